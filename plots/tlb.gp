# TLB misses over the trace (tlb.tsv): those of level 1 and, right of them, the walks that are left when level 2 has been
# asked, per 1000 references since the sampling point before. One row of panels per MMU, one line per target.
kind = ARG1; output = ARG2; runs = ARG3; columns = ARG4; rows = ARG5; colour_option = ARG6
load 'runs.gp'
stats file(1, 'tlb.tsv') using (mmu_note(strcol(1))) nooutput
figure_width = 660; figure_height = 80 + 250 * mmus
load 'style.gp'

stats file(1, 'tlb.tsv') using 2 nooutput name 'reference'
unit = event_unit(reference_max)
of(name, value) = strcol(1) eq name ? value : NaN
array what[2] = ['level 1 misses', 'walks']
set xrange [0:*] noextend
set yrange [0:*]
if (!dumb) {
	load 'legend.gp'
	unset key
	set multiplot layout mmus, 2 margins 0.085, 0.975, 62.0 / figure_height, 1 - legend_height - 48.0 / figure_height \
		spacing 0.09, 76.0 / figure_height
}
do for [m = 1:(dumb ? 1 : mmus)] {
	set xlabel (m == mmus || dumb ? reference_axis(unit) : '')
	do for [w = (dumb ? 2 : 1):2] {
		set title mmu_title(m) . "\n" . what[w] . ' per 1000 references' offset 0, -0.6
		plot for [i = 1:run_count] file(i, 'tlb.tsv') using ($2 / unit):(of(mmu[m], column(9 + w))) with lines \
			linecolor rgb colour(i) linewidth thick(i) dashtype dash[i] title label[i]
		do for [i = 1:run_count] {
			unset label 99 + i
		}
	}
}
if (!dumb) {
	unset multiplot
}
