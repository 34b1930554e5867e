# The share of references that miss a TLB of one level, against its number of entries (tlb_sizes.tsv): all sizes see the same
# references in the same pass. Both axes are logarithmic.
kind = ARG1; output = ARG2; runs = ARG3; columns = ARG4; rows = ARG5; colour_option = ARG6
figure_width = 660; figure_height = 400
load 'style.gp'

set logscale x 2
set logscale y
set xrange [12:22000]
set xtics ('16' 16, '32' 32, '64' 64, '128' 128, '256' 256, '512' 512, '1 Ki' 1024, '2 Ki' 2048, '4 Ki' 4096, '8 Ki' 8192, \
	'16 Ki' 16384)
set xlabel 'entries of the TLB, 4 ways, LRU'
set ylabel 'misses, per cent of references'
set format y '%g'
if (!dumb) {
	load 'legend.gp'
	unset key
	set tmargin at screen 0.98 - legend_height
}
plot for [i = 1:run_count] file(i, 'tlb_sizes.tsv') using 1:($5 > 0 ? percent($5) : NaN) with linespoints \
	linecolor rgb colour(i) linewidth thick(i) dashtype dash[i] pointtype 7 pointsize 0.5 title label[i]
