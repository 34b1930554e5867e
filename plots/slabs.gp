# The kernel's caches with the most pages at the end, one panel per run (slabs.tsv, whose rows are sorted): the pages of their slabs, and
# the part of them that live objects take.
kind = ARG1; output = ARG2; runs = ARG3; columns = ARG4; rows = ARG5; colour_option = ARG6
load 'runs.gp'
panels = run_count > 4 ? 4 : run_count
bars = 16
figure_width = 1080; figure_height = 60 + (46 + 19 * bars) * ((panels + 1) / 2)
load 'style.gp'

unset key
set border 1 linestyle 101
set grid xtics noytics linestyle 100 back
set ytics scale 0 font ',11'
set style fill solid noborder
set xlabel 'MiB'
set label 1 'slabs' at screen 0.4, 1 - 14.0 / figure_height point pointtype 5 pointsize 1 linecolor rgb 0xBFD9EC \
	offset character 0.6, 0
set label 2 'of them, live objects' at screen 0.5, 1 - 14.0 / figure_height point pointtype 5 pointsize 1 linecolor rgb 0x0072B2 \
	offset character 0.6, 0
mebibytes_of(pages) = pages / 256.0
most = 1
do for [i = 1:panels] {
	stats file(i, 'slabs.tsv') using 5 nooutput name 'pages'
	most = pages_max > most ? pages_max : most
}
set xrange [0:mebibytes_of(most) * 1.18]
set multiplot layout (panels + 1) / 2, (panels > 1 ? 2 : 1) margins 0.19, 0.97, 60.0 / figure_height, 1 - 52.0 / figure_height \
	spacing 0.23, 80.0 / figure_height
do for [i = 1:panels] {
	series = file(i, 'slabs.tsv')
	set yrange [bars - 0.4:-0.6]
	set title label[i] offset 0, -0.6
	plot series using (mebibytes_of($5) / 2):0:(mebibytes_of($5) / 2):(0.36):ytic(1) every ::0::(bars - 1) \
		with boxxyerror linecolor rgb 0xBFD9EC, \
		series using (mebibytes_of($5) * $6 / 2):0:(mebibytes_of($5) * $6 / 2):(0.36) every ::0::(bars - 1) \
		with boxxyerror linecolor rgb 0x0072B2, \
		series using (mebibytes_of($5)):0:(sprintf('%.0f %%', percent($6))) every ::0::(bars - 1) \
		with labels left offset 0.4, 0 font ',11'
	unset label 1
	unset label 2
}
unset multiplot
