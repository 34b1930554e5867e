# Time per event of every target: the median over the rounds with its 95 % interval (run.json), and each round as a dot
# (throughput.tsv). Hollow bars are gross time, harness included.
kind = ARG1; output = ARG2; runs = ARG3; columns = ARG4; rows = ARG5; colour_option = ARG6
figure_width = 660; figure_height = 380
load 'style.gp'

set xrange [0.4:run_count + 0.6]
set yrange [0:*]
set xtics scale 0
unset key
set format x ''
unset grid
if (!dumb) {
	set grid ytics linestyle 100 back
}
longest = 0
do for [i = 1:run_count] {
	longest = strlen(label[i]) > longest ? strlen(label[i]) : longest
}
if (!dumb && longest * run_count > 64) {
	set xtics rotate by -25 left
}
do for [i = 1:run_count] {
	set xtics add (label[i] i)
}
set boxwidth 0.6
known_time(i) = time[i] ne '?'
gross(i) = basis[i] eq 'gross'
caption(i) = known_time(i) ? sprintf('%.1f', known(time[i])) : 'no data'
top(i) = !known_time(i) ? 0 : time_high[i] eq '?' ? known(time[i]) : known(time_high[i])
set print $bars
do for [i = 1:run_count] {
	print sprintf("%d\t%s\t%s\t%s\t%s\t%d\t%s\t%g", i, gross(i) ? '?' : time[i], time_low[i], time_high[i], \
		gross(i) ? time[i] : '?', colour(i), caption(i), top(i))
}
set print
set ylabel basis[1] . ' ns per event'
plot $bars using 1:2:6 with boxes fillstyle solid (dumb ? 0 : 0.75) noborder linecolor rgb variable, \
	'' using 1:5:6 with boxes fillstyle empty border linewidth 2 linecolor rgb variable, \
	'' using 1:3:(0):($4 - $3) with vectors heads size graph 0.012, 90 linewidth 1.8 linetype -1, \
	for [i = 1:run_count] file(i, 'throughput.tsv') using (i + 0.22):(column(gross(i) ? 2 : 4)) with points \
		pointtype 7 pointsize 0.35 linetype -1, \
	$bars using 1:8:7 with labels offset 0, 0.9 textcolor linetype -1
