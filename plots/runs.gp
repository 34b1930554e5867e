# runs.gp: the list of runs, for scripts that ask their series something before they know how large their figure is; style.gp
# loads it for the others. Reads ARG3's copy `runs`.
set encoding utf8
set datafile separator tab
set datafile commentschars '#'
stats runs using (1) nooutput
run_count = int(STATS_records)
array label[run_count]
array directory[run_count]
array time[run_count]
array time_low[run_count]
array time_high[run_count]
array basis[run_count]
array over_live[run_count]
array resolution[run_count]
array trace[run_count]
run_read(i) = (label[i] = strcol(1), directory[i] = strcol(2), time[i] = strcol(3), time_low[i] = strcol(4), \
	time_high[i] = strcol(5), basis[i] = strcol(6), over_live[i] = strcol(7), resolution[i] = strcol(8), \
	trace[i] = strcol(9), 1)
stats runs using (run_read(int($0) + 1)) nooutput
file(i, name) = directory[i] . '/' . name
known(text) = text eq '?' ? NaN : real(text)
# From here on `?` is a hole in a series; while the list was read it had to stay a text.
set datafile missing '?'

# --- MMUs: the models of a pass, whose names are the first field of tlb.tsv and walks.tsv ----------------------------------
most_mmus = 4
mmus = 0
array mmu[most_mmus]
mmu_note(name) = mmus == 0 || (mmu[mmus] ne name && mmus < most_mmus) ? (mmus = mmus + 1, mmu[mmus] = name, mmus) : mmus
mmu_title(m) = strlen(mmu[m]) > 32 ? mmu[m][1:31] . '…' : mmu[m]
