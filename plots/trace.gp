# What the program does with memory: how many blocks of which size it asks for, how many bytes those are, and after how
# many events of the trace it gives them back (sizes.tsv, lifetimes.tsv).
kind = ARG1; output = ARG2; runs = ARG3; columns = ARG4; rows = ARG5; colour_option = ARG6
figure_width = 660; figure_height = 310
load 'style.gp'

unset key
set logscale x 2
set xtics ('1' 1, '16' 16, '1 Ki' 1024, '64 Ki' 65536, '4 Mi' 4194304, '256 Mi' 268435456, '16 Gi' 17179869184.0)
set style fill solid (dumb ? 0 : 0.7) noborder
set yrange [0:*]
set format y '%.0s%c'
high(low, top) = top > low ? top + 1 : low + 1
from(low) = low < 1 ? 0.5 : low
if (!dumb) {
	set multiplot layout 1, 3 margins 0.085, 0.975, 0.235, 0.87 spacing 0.085, 0.1
}
set title 'blocks by size'
set xlabel 'bytes asked for'
plot file(1, 'sizes.tsv') using (from($1)):3:(from($1)):(high($1, $2)):(0):3 with boxxyerror linecolor rgb 0x0072B2
if (!dumb) {
	set title 'MiB by size'
	set format y '%g'
	plot file(1, 'sizes.tsv') using (from($1)):(mebibytes($4)):(from($1)):(high($1, $2)):(0):(mebibytes($4)) with boxxyerror linecolor rgb 0xE69F00
	set title 'blocks by lifetime'
	set xlabel 'events until release'
		set format y '%.0s%c'
	plot file(1, 'lifetimes.tsv') using (from($1)):3:(from($1)):(high($1, $2)):(0):3 with boxxyerror \
		linecolor rgb 0x009E73
	unset multiplot
}
