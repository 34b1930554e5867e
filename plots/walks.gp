# What the walks of each target read, by level of the page table (walks.tsv): entries per 1000 references, one panel per MMU.
# How often a walk-cache shortens a walk is a model, and the figure says so.
kind = ARG1; output = ARG2; runs = ARG3; columns = ARG4; rows = ARG5; colour_option = ARG6
load 'runs.gp'
stats file(1, 'walks.tsv') using (mmu_note(strcol(1))) nooutput
panel_rows = (mmus + 1) / 2
longest = 0
do for [i = 1:run_count] {
	longest = strlen(label[i]) > longest ? strlen(label[i]) : longest
}
rotated = longest * run_count > (mmus > 1 ? 32 : 64)
foot = rotated ? 24.0 + 4.5 * longest : 30.0
figure_width = 660; figure_height = 80 + (240 + foot) * panel_rows
load 'style.gp'

# Levels from the lowest up; the last stands for a nested walk's host.
array level_name[6] = ['level 1', 'level 2', 'level 3', 'level 4', 'level 5', 'host']
array level_colour[6] = [0x0072B2, 0x56B4E9, 0xE69F00, 0xD55E00, 0xCC79A7, 0x999999]
place(level) = level > 0 ? level : 6
array read[6]
array top[6]
highest = 1
do for [i = 1:run_count] {
	stats file(i, 'walks.tsv') using (highest = place($2) > highest ? place($2) : highest, 1) nooutput
}
if (!dumb) {
	do for [l = 1:highest] {
		if (l != 5 || highest == 5) {
			set label 200 + l level_name[l] at screen 0.12 + 0.14 * (l - 1), screen 1 - 16.0 / figure_height \
				point pointtype 5 pointsize 1 linecolor rgb level_colour[l] offset character 0.6, 0
		}
	}
	set multiplot layout panel_rows, (mmus > 1 ? 2 : 1) margins 0.085, 0.945, foot / figure_height, 1 - 84.0 / figure_height \
		spacing 0.1, (60 + foot) / figure_height
}
unset key
set xtics scale 0
set format x ''
unset grid
if (!dumb) {
	set grid ytics linestyle 100 back
}
do for [i = 1:run_count] {
	set xtics add (label[i] i)
}
if (!dumb && rotated) {
	set xtics rotate by -25 left
}
do for [m = 1:(dumb ? 1 : mmus)] {
	set xrange [*:*]
	set yrange [*:*]
	set print $bars
	do for [i = 1:run_count] {
		do for [l = 1:6] {
			read[l] = 0
		}
		stats file(i, 'walks.tsv') using (strcol(1) eq mmu[m] ? (read[place($2)] = $4, 1) : 1) nooutput
		bottom = 0.0
		do for [l = 1:6] {
			print sprintf("%d\t%g\t%g\t%d", i, bottom, bottom + read[l], level_colour[l])
			bottom = bottom + read[l]
		}
	}
	set print
	set xrange [0.4:run_count + 0.6]
	set yrange [0:*]
	set title mmu_title(m) . "\nentries read per 1000 references (model)" offset 0, -0.6
	plot $bars using 1:2:($1 - 0.3):($1 + 0.3):2:3:4 with boxxyerror fillstyle solid (dumb ? 0 : 0.85) noborder \
		linecolor rgb variable
	do for [l = 1:6] {
		unset label 200 + l
	}
}
if (!dumb) {
	unset multiplot
}
