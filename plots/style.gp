# style.gp: what all figures share. Each figure is a script of its own, called as
#
#   gnuplot -c FIGURE.gp svg|png|dumb OUTPUT RUNS [COLUMNS ROWS [ansi]]
#
# from this directory (or with GNUPLOT_LIB naming it). RUNS is a tab-separated list, one line per run, that
# `faultline report` makes from the run.json files:
#
#   label  directory  time_ns  low_ns  high_ns  basis  footprint_over_live  resolution_ns  trace
#
# The time is per event, `basis` is net or gross (with the harness). `?` stands for what is not known. The series come from the run directories. Nothing is computed here but scales.
# A script sets figure_width and figure_height (in pixels), copies its arguments and loads this file.


# --- Terminal -----------------------------------------------------------------------------------------------------
dumb = kind eq 'dumb'
if (kind eq 'svg') {
	set terminal svg size figure_width, figure_height dynamic noenhanced font 'Helvetica,14' butt
}
if (kind eq 'png') {
	set terminal pngcairo size 2 * figure_width, 2 * figure_height noenhanced font 'DejaVu Sans,11' fontscale 2 \
		linewidth 2 pointscale 2 background '#ffffff'
}
if (dumb && colour_option eq 'ansi') {
	set terminal dumb size int(columns), int(rows) noenhanced ansi256
}
if (dumb && colour_option ne 'ansi') {
	set terminal dumb size int(columns), int(rows) noenhanced mono
}
set output output

# --- The list of runs -----------------------------------------------------------------------------------------------
if (!exists('run_count')) {
	load 'runs.gp'
}

# --- Colours: one per allocator in every figure; Okabe and Ito's palette, told apart by colour-blind readers too -----
family(text) = strstrt(text, ':') > 0 ? text[1:strstrt(text, ':') - 1] : text
colour_of(name) = name eq 'engine' ? 0x0072B2 : name eq 'jemalloc' ? 0xD55E00 : name eq 'glibc' ? 0xE69F00 : \
	name eq 'mimalloc' ? 0xCC79A7 : name eq 'tcmalloc' ? 0x009E73 : name eq 'null' ? 0x999999 : name eq 'recorded' ? 0x7A5195 : 0x56B4E9
colour(i) = colour_of(family(label[i]))
# Runs of one family share the colour and differ in their dashes.
array dash[run_count]
do for [i = 1:run_count] {
	dash[i] = 1
	do for [j = 1:i - 1] {
		if (colour(j) == colour(i)) {
			dash[i] = dash[i] + 1
		}
	}
}
thick(i) = family(label[i]) eq 'engine' ? 2.6 : 1.8
live_colour = 0x9AA5B1
grid_colour = 0xB8BEC6

# --- Look -------------------------------------------------------------------------------------------------------------
# Colours that also read on a dark page; black is the colour of the page's text.
set style line 100 linecolor rgb grid_colour linewidth 0.6 dashtype solid
set style line 101 linecolor rgb 0x808890 linewidth 1
set border 3 linestyle 101
set tics nomirror out scale 0.5
if (!dumb) {
	set grid xtics ytics linestyle 100 back
}
set key outside top center horizontal samplen 2 spacing 1.1
set lmargin (dumb ? 9 : 10)
set rmargin (dumb ? 2 : 3)

mebibytes(bytes) = bytes / 1048576.0
# The unit of a horizontal axis that counts events, and its name.
event_unit(most) = most >= 2e6 ? 1e6 : most >= 2e3 ? 1e3 : 1.0
event_axis(unit) = 'event of the trace' . (unit == 1e6 ? ', millions' : unit == 1e3 ? ', thousands' : '')
reference_axis(unit) = 'references' . (unit == 1e6 ? ', millions' : unit == 1e3 ? ', thousands' : '')
percent(share) = 100.0 * share
