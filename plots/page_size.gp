# What pages of 1 to 64 KiB cost at the peak of live bytes, in the engine's placement (page_sizes.tsv): bytes of touched
# pages that nobody asked for, page descriptors, page tables. Both axes are logarithmic.
kind = ARG1; output = ARG2; runs = ARG3; columns = ARG4; rows = ARG5; colour_option = ARG6
figure_width = 660; figure_height = 400
load 'style.gp'

array what[3] = ['waste', 'page descriptors', 'page tables']
array what_colour[3] = [0xD55E00, 0x0072B2, 0x009E73]
array ending[run_count]
do for [i = 1:run_count] {
	ending[i] = run_count > 1 ? ', ' . label[i] : ''
}
set xlabel 'page size, KiB'
set ylabel 'MiB'
set logscale x 2
set logscale y 10
set xrange [0.9:72]
set xtics 2
set format y '%g'
set key maxrows (run_count > 1 ? 3 : 1)
plot for [w = 1:3] for [i = 1:run_count] file(i, 'page_sizes.tsv') using ($1 / 1024):(mebibytes(column(2 + w))) \
	with linespoints linecolor rgb what_colour[w] linewidth 2 dashtype i pointtype 7 pointsize 0.6 \
	title what[w] . ending[i]
