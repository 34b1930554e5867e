# External fragmentation over the trace, in the engine's simulated physical memory (model.tsv): the share of free memory
# that is in blocks below 2 MiB, the kernel's external fragmentation index (1 = fragmentation, 0 = lack of memory; defined
# only where a 2 MiB request would fail), and free 2 MiB blocks beside the most that the free memory could form. One run has all three in one
# picture; several have a panel for each that is known.
kind = ARG1; output = ARG2; runs = ARG3; columns = ARG4; rows = ARG5; colour_option = ARG6
figure_width = 660; figure_height = 400
load 'runs.gp'
if (run_count > 1) {
	figure_height = 600
}
load 'style.gp'
first_event = 1e30
last_event = 0
do for [i = 1:run_count] {
	stats file(i, 'model.tsv') using 1 nooutput name 'event'
	first_event = event_min < first_event ? event_min : first_event
	last_event = event_max > last_event ? event_max : last_event
}
unit = event_unit(last_event)

array what[3] = ['unusable for 2 MiB', 'extfrag index, 2 MiB', 'free as 2 MiB blocks']
array what_colour[3] = [0xD55E00, 0xCC79A7, 0x009E73]
set ylabel 'share' offset (run_count > 1 ? 1.2 : 0), 0
set xrange [first_event / unit:last_event / unit] noextend
set yrange [0:1.02]
if (run_count == 1 || dumb) {
	set xlabel event_axis(unit)
	set key maxrows 3
	plot for [w = 1:3] for [i = 1:run_count] file(i, 'model.tsv') using ($1 / unit):(column(6 + w)) with lines \
		linecolor rgb what_colour[w] linewidth 2 dashtype i title what[w] . (run_count > 1 ? ', ' . label[i] : '')
} else {
	load 'policies.gp'
	load 'legend.gp'
	unset key
	# A recorded machine is known at its beginning and at its end.
	is_recorded(i) = label[i] eq 'recorded'
	array known_values[3]
	shown = 0
	do for [w = 1:3] {
		known_values[w] = 0
		do for [i = 1:run_count] {
			stats file(i, 'model.tsv') using (valid(6 + w) ? 1 : 0) nooutput
			known_values[w] = known_values[w] + STATS_sum
		}
		shown = shown + (known_values[w] > 0)
	}
	set multiplot layout shown, 1 margins 0.13, 0.97, 62.0 / figure_height, 1 - legend_height - 26.0 / figure_height \
		spacing 0, 70.0 / figure_height
	do for [w = 1:3] {
		if (known_values[w] == 0) {
			continue
		}
		set title what[w] offset 0, -0.7
		set yrange [*:*]
		if (w == 3) {
			set xlabel event_axis(unit)
		}
		plot for [i = 1:run_count] file(i, 'model.tsv') using ($1 / unit):(is_recorded(i) ? NaN : column(6 + w)) with lines \
			linecolor rgb colour(i) linewidth 2 dashtype dash[i] title label[i], \
			for [i = 1:run_count] file(i, 'model.tsv') using ($1 / unit):(is_recorded(i) ? column(6 + w) : NaN) \
			with points linecolor rgb colour(i) pointtype 7 pointsize 0.9 notitle
		do for [k = 100:100 + legend_labels] {
			unset label k
		}
	}
	unset multiplot
}
