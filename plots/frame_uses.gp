# frame_uses.gp: what frames are (frame_map.tsv, frame_strip.tsv): names and colours, and one legend across the top of a picture
# of figure_width by figure_height.
most_uses = 7
array use_name[most_uses] = ['reserved', 'not initialised', 'free, 2 MiB and more', 'free, smaller', 'page sets', 'processes and files', 'kernel']
array use_colour[most_uses] = [0x6B7580, 0xB9A3D6, 0xBFE3D0, 0x33A06F, 0xE69F00, 0x56B4E9, 0xD55E00]
no_memory = 0xF2F4F6
byte(rgb, number) = (rgb >> (8 * (2 - number))) & 255
use_byte(number, use) = byte(use < 1 || use > most_uses ? no_memory : use_colour[int(use)], number)
use_width(use) = 30.0 + 7.6 * strlen(use_name[use])
use_left(use) = use < 2 ? 14.0 : (14.0 + (sum [before = 1:use - 1] use_width(before)))
do for [use = 1:most_uses] {
	set label 200 + use use_name[use] at screen use_left(use) / figure_width, screen 1 - 14.0 / figure_height \
		point pointtype 5 pointsize 1 linecolor rgb use_colour[use] offset character 0.6, 0
}
