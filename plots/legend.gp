# legend.gp: one legend for a figure of several panels, across the top of the picture: each label once, with its colour.
# Leaves the height that it takes, as a share of the picture, in legend_height.
legend_longest = 0
do for [i = 1:run_count] {
	legend_longest = strlen(label[i]) > legend_longest ? strlen(label[i]) : legend_longest
}
legend_cell = 8.2 * legend_longest + 34.0
legend_columns = int(figure_width * 0.96 / legend_cell)
legend_columns = legend_columns < 1 ? 1 : legend_columns
seen_before(i) = i < 2 ? 0 : (sum [j = 1:i - 1] (label[j] eq label[i]))
legend_labels = 0
do for [i = 1:run_count] {
	legend_labels = legend_labels + (seen_before(i) ? 0 : 1)
}
legend_rows = (legend_labels + legend_columns - 1) / legend_columns
legend_columns = legend_labels < legend_columns ? legend_labels : legend_columns
legend_left = 0.5 - legend_columns * legend_cell / figure_width / 2.0
legend_place = 0
do for [i = 1:run_count] {
	if (!seen_before(i)) {
		set label 100 + legend_place label[i] \
			at screen legend_left + (legend_place % legend_columns) * legend_cell / figure_width + 10.0 / figure_width, \
			screen 1.0 - (14.0 + 20.0 * (legend_place / legend_columns)) / figure_height \
			point pointtype (dash[i] == 1 ? 5 : 4) pointsize 1 linecolor rgb colour(i) offset character 0.6, 0
		legend_place = legend_place + 1
	}
}
legend_height = (10.0 + 20.0 * legend_rows) / figure_height
