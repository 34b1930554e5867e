# Fragmentation over the trace. Above: internal, the share of the granted bytes that nobody asked for (timeline.tsv).
# Below: external, the engine's own physical memory (model.tsv): the share of free memory that is in blocks below 2 MiB,
# the kernel's external fragmentation index (1 = fragmentation, 0 = lack of memory; defined only where a 2 MiB request
# would fail), and free 2 MiB blocks beside the most that the free memory could form.
kind = ARG1; output = ARG2; runs = ARG3; columns = ARG4; rows = ARG5; colour_option = ARG6
figure_width = 660; figure_height = 520
load 'style.gp'

stats file(1, 'timeline.tsv') using 1 nooutput name 'event'
unit = event_unit(event_max)
modelled = 0
do for [i = 1:run_count] {
	if (modelled == 0 && family(label[i]) eq 'engine') {
		modelled = i
	}
}
set xrange [0:*] noextend
set yrange [0:*]
set ylabel 'internal, %'
if (modelled > 0 && !dumb) {
	load 'legend.gp'
	unset key
	set multiplot layout 2, 1 margins 0.115, 0.97, 0.11, 0.98 - legend_height spacing 0.1, 0.19
}
if (modelled == 0 || dumb) {
	set xlabel event_axis(unit)
}
plot for [i = 1:run_count] file(i, 'timeline.tsv') using ($1 / unit):(percent($9)) with lines \
	linecolor rgb colour(i) linewidth thick(i) dashtype dash[i] title label[i]
if (modelled > 0 && !dumb) {
	set xlabel event_axis(unit)
	set ylabel 'external'
	do for [i = 1:run_count] {
		unset label 99 + i
	}
	array what[3] = ['unusable for 2 MiB', 'extfrag index, 2 MiB', 'free as 2 MiB blocks']
	array what_colour[3] = [0x0072B2, 0xCC79A7, 0x009E73]
	do for [i = 1:3] {
		set label i what[i] at graph (i - 1) * 0.36, graph 1.11 point pointtype 5 pointsize 1 linecolor rgb what_colour[i] \
			offset character 0.6, 0
	}
	set yrange [0:1]
	plot for [i = 1:3] file(modelled, 'model.tsv') using ($1 / unit):(column(6 + i)) with lines \
		linecolor rgb what_colour[i] linewidth 2 dashtype i
	unset multiplot
}
