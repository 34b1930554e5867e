# What each policy made of kernel recordings (outcome.tsv), a point a policy; the good corner is the upper left one. Up: free memory that lies
# in blocks of 2 MiB at the end, of the most that it could make; of several recordings the mean of those that ask for no blocks of 2 MiB, if
# there are such. To the right: requests of 2 MiB that were refused, where the recording has
# any; else 2 MiB blocks that have the kernel's pages in them, which no compaction makes whole: of the machine itself nobody knows these,
# and it is a line.
kind = ARG1; output = ARG2; runs = ARG3; columns = ARG4; rows = ARG5; colour_option = ARG6
figure_width = 660; figure_height = 400
load 'style.gp'

load 'policies.gp'
array at_x[run_count]
array at_y[run_count]
# The one row of each series; `?` is a text while it is read.
array shares[run_count]
array kernels[run_count]
array requests[run_count]
array refusals[run_count]
set datafile missing
asked = 0
quiet = 0
do for [i = 1:run_count] {
	stats file(i, 'outcome.tsv') using (shares[i] = known(strcol(3)), kernels[i] = known(strcol(5)), \
		requests[i] = known(strcol(8)), refusals[i] = known(strcol(9)), 0) nooutput
	asked = asked + (requests[i] > 0)
	quiet = quiet + (requests[i] == 0 && shares[i] == shares[i])
}
# Runs of a policy on several recordings are one point, at the first of them.
is_first(i) = i < 2 ? 1 : (sum [before = 1:i - 1] (label[before] eq label[i])) == 0
of(i, j) = label[i] eq label[j]
has_share(j) = shares[j] == shares[j] && (quiet == 0 || requests[j] == 0)
do for [i = 1:run_count] {
	at_x[i] = NaN
	at_y[i] = NaN
	if (is_first(i)) {
		of_shares = 0; sum_shares = 0.0; sum_requests = 0.0; sum_refusals = 0.0; sum_kernels = 0.0
		do for [j = 1:run_count] {
			if (of(i, j)) {
				if (has_share(j)) {
					of_shares = of_shares + 1
					sum_shares = sum_shares + shares[j]
				}
				sum_requests = sum_requests + requests[j]
				sum_refusals = sum_refusals + refusals[j]
				sum_kernels = sum_kernels + kernels[j]
			}
		}
		if (of_shares > 0) {
			at_y[i] = 100 * sum_shares / of_shares
		}
		at_x[i] = asked == 0 ? sum_kernels : (sum_requests > 0 ? 100 * sum_refusals / sum_requests : NaN)
	}
}
is_point(i) = at_x[i] == at_x[i] && at_y[i] == at_y[i]
is_line(i) = at_x[i] != at_x[i] && at_y[i] == at_y[i]
least_x = 1e30; most_x = -1e30; least_y = 1e30; most_y = -1e30
do for [i = 1:run_count] {
	if (is_point(i)) {
		least_x = at_x[i] < least_x ? at_x[i] : least_x
		most_x = at_x[i] > most_x ? at_x[i] : most_x
	}
	if (at_y[i] == at_y[i]) {
		least_y = at_y[i] < least_y ? at_y[i] : least_y
		most_y = at_y[i] > most_y ? at_y[i] : most_y
	}
}
if (least_x > most_x) {
	least_x = 0; most_x = 1
}
# Room around the points; the names of those on the right stand to their left.
pad_x = most_x > least_x ? 0.08 * (most_x - least_x) : 1.0
pad_y = most_y > least_y ? 0.15 * (most_y - least_y) : 1.0
set xrange [least_x - pad_x:most_x + pad_x]
set yrange [least_y - pad_y:most_y + 1.3 * pad_y]
set xlabel (asked > 0 ? '2 MiB requests refused, %' : '2 MiB blocks with kernel pages in them')
set ylabel 'free as 2 MiB at the end, % of the most'
unset key
span_x = most_x + 2 * pad_x - least_x
span_y = most_y - least_y + 2.3 * pad_y
near(i, j) = is_point(j) && abs(at_x[i] - at_x[j]) < 0.3 * span_x && abs(at_y[i] - at_y[j]) < 0.05 * span_y
at_one_place(i, j) = is_point(j) && abs(at_x[i] - at_x[j]) < 0.02 * span_x && abs(at_y[i] - at_y[j]) < 0.03 * span_y
# Policies at one place share a label; of those that are near each other the later stand lower.
do for [i = 1:run_count] {
	if (is_point(i)) {
		name = label[i]
		is_told = 0
		lower = 0
		do for [j = 1:run_count] {
			if (j < i && at_one_place(i, j)) {
				is_told = 1
			}
			if (j > i && at_one_place(i, j)) {
				name = name . ', ' . label[j]
			}
			if (j < i && !at_one_place(i, j) && near(i, j)) {
				lower = lower + 1
			}
		}
		if (!is_told) {
			if (at_x[i] > least_x + 0.6 * (most_x - least_x)) {
				set label 300 + i name at at_x[i], at_y[i] right offset character -0.6, 0.9 - 1.0 * lower textcolor rgb (dumb ? 0 : colour(i))
			} else {
				set label 300 + i name at at_x[i], at_y[i] offset character 0.6, -0.9 - 1.0 * lower textcolor rgb (dumb ? 0 : colour(i))
			}
		}
	}
	if (is_line(i)) {
		set arrow 300 + i from graph 0, first at_y[i] to graph 1, first at_y[i] nohead dashtype 2 linecolor rgb 0x808890
		set label 300 + i label[i] at graph 0.6, first at_y[i] right offset 0, 0.5 textcolor rgb (dumb ? 0 : 0x808890)
	}
}
plot for [i = 1:run_count] [0:0] '+' using (at_x[i]):(at_y[i]) with points pointtype 7 pointsize 1.1 linecolor rgb colour(i)
