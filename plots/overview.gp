# All traces at a glance: time per event (left, on a logarithmic axis) and footprint over live bytes (right), or the one of them that was
# measured; one row per trace and one dot per target with its interval; further left is better in both (run.json).
kind = ARG1; output = ARG2; runs = ARG3; columns = ARG4; rows = ARG5; colour_option = ARG6
stats runs using (1) nooutput name 'lines'
figure_width = 1100; figure_height = 144 + 8 * int(lines_records)
load 'style.gp'

# Rows are traces in order of appearance, the first on top; within a row the targets lie one below the other.
array row[run_count]
array place[run_count]
traces = 0
do for [i = 1:run_count] {
	row[i] = 0
	place[i] = 0
	do for [j = 1:i - 1] {
		if (trace[j] eq trace[i]) {
			row[i] = row[j]
			place[i] = place[i] + 1
		}
	}
	if (row[i] == 0) {
		traces = traces + 1
		row[i] = traces
	}
}
most = 1
do for [i = 1:run_count] {
	most = place[i] + 1 > most ? place[i] + 1 : most
}
height(i) = traces - row[i] + 1 - (place[i] - (most - 1) / 2.0) * 0.7 / most
set print $dots
do for [i = 1:run_count] {
	print sprintf("%g\t%s\t%s\t%s\t%s\t%d", height(i), time[i], time_low[i], time_high[i], over_live[i], colour(i))
}
set print
timed = 0
weighed = 0
do for [i = 1:run_count] {
	timed = timed || time[i] ne '?'
	weighed = weighed || over_live[i] ne '?'
}

set yrange [0.5:traces + 0.5]
set ytics scale 0
set format y ''
do for [i = 1:run_count] {
	set ytics add (trace[i] . (basis[i] eq 'gross' ? ' (gross)' : '') traces - row[i] + 1)
}
do for [r = 1:traces - 1] {
	set arrow from graph 0, first r + 0.5 to graph 1, first r + 0.5 nohead linestyle 100 back
}
unset grid
set grid xtics linestyle 100 back
load 'legend.gp'
unset key
set multiplot layout 1, timed + weighed margins 0.17, 0.985, 76.0 / figure_height, 1 - legend_height - 14.0 / figure_height spacing 0.03, 0
if (timed) {
	set xlabel 'ns per event, with its 95 % interval'
	set logscale x
	set xrange [*:*]
	set xtics (1, 2, 5, 10, 20, 50, 100, 200, 500, '1000' 1000, '2000' 2000, '5000' 5000)
	# An interval that reaches 0 goes on beyond the axis.
	low(value) = value > 0.5 ? value : 0.5
	plot $dots using 2:1:(low($3)):4:6 with xerrorbars pointtype 7 pointsize 0.8 linewidth 1.5 linecolor rgb variable, \
		'' using 2:1:6 with points pointtype 7 pointsize 0.8 linecolor rgb variable
	do for [i = 1:run_count] {
		unset label 99 + i
	}
	set format y ''
	do for [i = 1:run_count] {
		set ytics add ('' traces - row[i] + 1)
	}
}
if (weighed) {
	set xlabel 'peak footprint over peak live bytes'
	unset logscale x
	set xtics auto
	set xrange [*<1:*]
	set arrow from first 1, graph 0 to first 1, graph 1 nohead linestyle 101 dashtype 3 back
	plot $dots using 5:1:6 with points pointtype 7 pointsize 0.8 linecolor rgb variable
}
unset multiplot
