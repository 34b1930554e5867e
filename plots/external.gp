# External fragmentation over the trace, in the engine's simulated physical memory (model.tsv): the share of free memory
# that is in blocks below 2 MiB, the kernel's external fragmentation index (1 = fragmentation, 0 = lack of memory; defined
# only where a 2 MiB request would fail), and free 2 MiB blocks beside the most that the free memory could form.
kind = ARG1; output = ARG2; runs = ARG3; columns = ARG4; rows = ARG5; colour_option = ARG6
figure_width = 660; figure_height = 400
load 'style.gp'
stats file(1, 'model.tsv') using 1 nooutput name 'event'
unit = event_unit(event_max)

array what[3] = ['unusable for 2 MiB', 'extfrag index, 2 MiB', 'free as 2 MiB blocks']
array what_colour[3] = [0xD55E00, 0xCC79A7, 0x009E73]
array ending[run_count]
do for [i = 1:run_count] {
	ending[i] = run_count > 1 ? ', ' . label[i] : ''
}
set xlabel event_axis(unit)
set ylabel 'share'
set xrange [0:*] noextend
set yrange [0:1.02]
set key maxrows 3
plot for [w = 1:3] for [i = 1:run_count] file(i, 'model.tsv') using ($1 / unit):(column(6 + w)) with lines \
	linecolor rgb what_colour[w] linewidth 2 dashtype i title what[w] . ending[i]
