# policies.gp: colours of runs of one family, where policies of one engine are told apart: each run has a colour of its own.
array run_colour[8] = [0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9, 0x7A5195, 0x6B7580]
colour(i) = run_colour[(i - 1) % 8 + 1]
do for [i = 1:run_count] {
	dash[i] = (i - 1) / 8 + 1
}
