# The shape of a file of /proc: what is left of its lines when the values are masked.
#
#   mode=columns   every digit, `?` and space of a value becomes `.`: where each number begins and ends is compared
#   mode=tokens    every run of digits, or `?`, becomes `#`: for fields that are not aligned
#   mode=mappings  lines of maps: each part is checked against what it may hold, and the column of the name
#   mode=names     what stands before the first colon, and the tab or spaces behind it
mode == "columns" {
	name = ""
	if (match($0, /^[A-Za-z_()0-9]+:[ \t]*/)) {
		match($0, /^[A-Za-z_()0-9]+:/)
		name = substr($0, 1, RLENGTH)
		$0 = substr($0, RLENGTH + 1)
	}
	gsub(/[0-9? ]/, ".")
	print name $0
}
mode == "tokens" {
	gsub(/-?[0-9]+(\.[0-9]+)?|\?/, "#")
	print
}
mode == "mappings" && /^[0-9a-f]+-[0-9a-f]+ / {
	good = match($0, /^[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]+-[0-9a-f]+ [r-][w-][x-][ps] [0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]+ [0-9a-f][0-9a-f]:[0-9a-f][0-9a-f] [0-9]+ /)
	rest = substr($0, RLENGTH + 1)
	begin = RLENGTH + 1
	match(rest, /^ */)
	if (!good)
		print "not of the form: " $0
	else if (rest == "")
		print "START-END RWXP OFFSET MA:MI INODE"
	else
		print "START-END RWXP OFFSET MA:MI INODE name in column " begin + RLENGTH
}
mode == "names" {
	match($0, /^[^:]*:[ \t]/)
	print substr($0, 1, RLENGTH)
}
