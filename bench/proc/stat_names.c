#include "config.h"

#include "bench/proc/stat_names.h"

#include <string.h>

static const char *const linux_names[] = {
    /* zone */
    "nr_free_pages",
    "nr_free_pages_blocks",
    "nr_zone_inactive_anon",
    "nr_zone_active_anon",
    "nr_zone_inactive_file",
    "nr_zone_active_file",
    "nr_zone_unevictable",
    "nr_zone_write_pending",
    "nr_mlock",
    "nr_zspages",
    "nr_free_cma",
    "numa_hit",
    "numa_miss",
    "numa_foreign",
    "numa_interleave",
    "numa_local",
    "numa_other",
    /* node */
    "nr_inactive_anon",
    "nr_active_anon",
    "nr_inactive_file",
    "nr_active_file",
    "nr_unevictable",
    "nr_slab_reclaimable",
    "nr_slab_unreclaimable",
    "nr_isolated_anon",
    "nr_isolated_file",
    "workingset_nodes",
    "workingset_refault_anon",
    "workingset_refault_file",
    "workingset_activate_anon",
    "workingset_activate_file",
    "workingset_restore_anon",
    "workingset_restore_file",
    "workingset_nodereclaim",
    "nr_anon_pages",
    "nr_mapped",
    "nr_file_pages",
    "nr_dirty",
    "nr_writeback",
    "nr_shmem",
    "nr_shmem_hugepages",
    "nr_shmem_pmdmapped",
    "nr_file_hugepages",
    "nr_file_pmdmapped",
    "nr_anon_transparent_hugepages",
    "nr_vmscan_write",
    "nr_vmscan_immediate_reclaim",
    "nr_dirtied",
    "nr_written",
    "nr_throttled_written",
    "nr_kernel_misc_reclaimable",
    "nr_foll_pin_acquired",
    "nr_foll_pin_released",
    "nr_kernel_stack",
    "nr_page_table_pages",
    "nr_sec_page_table_pages",
    "nr_iommu_pages",
    "nr_swapcached",
    "pgpromote_success",
    "pgpromote_candidate",
    "pgpromote_candidate_nrl",
    "pgdemote_kswapd",
    "pgdemote_direct",
    "pgdemote_khugepaged",
    "pgdemote_proactive",
    "nr_hugetlb",
    "nr_balloon_pages",
    "nr_kernel_file_pages",
    /* the rest */
    "nr_dirty_threshold",
    "nr_dirty_background_threshold",
    "nr_memmap_pages",
    "nr_memmap_boot_pages",
    "pgpgin",
    "pgpgout",
    "pswpin",
    "pswpout",
    "pgalloc_dma",
    "pgalloc_dma32",
    "pgalloc_normal",
    "pgalloc_movable",
    "pgalloc_device",
    "allocstall_dma",
    "allocstall_dma32",
    "allocstall_normal",
    "allocstall_movable",
    "allocstall_device",
    "pgskip_dma",
    "pgskip_dma32",
    "pgskip_normal",
    "pgskip_movable",
    "pgskip_device",
    "pgfree",
    "pgactivate",
    "pgdeactivate",
    "pglazyfree",
    "pgfault",
    "pgmajfault",
    "pglazyfreed",
    "pgrefill",
    "pgreuse",
    "pgsteal_kswapd",
    "pgsteal_direct",
    "pgsteal_khugepaged",
    "pgsteal_proactive",
    "pgscan_kswapd",
    "pgscan_direct",
    "pgscan_khugepaged",
    "pgscan_proactive",
    "pgscan_direct_throttle",
    "pgscan_anon",
    "pgscan_file",
    "pgsteal_anon",
    "pgsteal_file",
    "zone_reclaim_success",
    "zone_reclaim_failed",
    "pginodesteal",
    "slabs_scanned",
    "kswapd_inodesteal",
    "kswapd_low_wmark_hit_quickly",
    "kswapd_high_wmark_hit_quickly",
    "pageoutrun",
    "pgrotated",
    "drop_pagecache",
    "drop_slab",
    "oom_kill",
    "numa_pte_updates",
    "numa_huge_pte_updates",
    "numa_hint_faults",
    "numa_hint_faults_local",
    "numa_pages_migrated",
    "pgmigrate_success",
    "pgmigrate_fail",
    "thp_migration_success",
    "thp_migration_fail",
    "thp_migration_split",
    "compact_migrate_scanned",
    "compact_free_scanned",
    "compact_isolated",
    "compact_stall",
    "compact_fail",
    "compact_success",
    "compact_daemon_wake",
    "compact_daemon_migrate_scanned",
    "compact_daemon_free_scanned",
    "htlb_buddy_alloc_success",
    "htlb_buddy_alloc_fail",
    "unevictable_pgs_culled",
    "unevictable_pgs_scanned",
    "unevictable_pgs_rescued",
    "unevictable_pgs_mlocked",
    "unevictable_pgs_munlocked",
    "unevictable_pgs_cleared",
    "unevictable_pgs_stranded",
    "thp_fault_alloc",
    "thp_fault_fallback",
    "thp_fault_fallback_charge",
    "thp_collapse_alloc",
    "thp_collapse_alloc_failed",
    "thp_file_alloc",
    "thp_file_fallback",
    "thp_file_fallback_charge",
    "thp_file_mapped",
    "thp_split_page",
    "thp_split_page_failed",
    "thp_deferred_split_page",
    "thp_underused_split_page",
    "thp_split_pmd",
    "thp_scan_exceed_none_pte",
    "thp_scan_exceed_swap_pte",
    "thp_scan_exceed_share_pte",
    "thp_split_pud",
    "thp_zero_page_alloc",
    "thp_zero_page_alloc_failed",
    "thp_swpout",
    "thp_swpout_fallback",
    "balloon_inflate",
    "balloon_deflate",
    "balloon_migrate",
    "swap_ra",
    "swap_ra_hit",
    "swpin_zero",
    "swpout_zero",
    "ksm_swpin_copy",
    "cow_ksm",
    "zswpin",
    "zswpout",
    "zswpwb",
    "direct_map_level2_splits",
    "direct_map_level3_splits",
    "direct_map_level2_collapses",
    "direct_map_level3_collapses",
    "nr_unstable",
};

#define NAMES (sizeof(linux_names) / sizeof(linux_names[0]))
#define ZONE_NAMES 17u
#define NODE_NAMES 51u

/* --- Of Linux 6.18 ---------------------------------------------------------------------------------------------------- */

static size_t first_of(enum stat_part part)
{
	return part == STAT_NODE ? ZONE_NAMES : 0;
}

static size_t end_of(enum stat_part part)
{
	return part == STAT_ZONE ? ZONE_NAMES : part == STAT_NODE ? ZONE_NAMES + NODE_NAMES : NAMES;
}

static bool next_listed(struct stat_names *names, struct stat_name *name)
{
	if (names->next >= end_of(names->part))
		return false;
	const char *text = linux_names[names->next++];

	*name = (struct stat_name){.text = text, .length = strlen(text)};
	return true;
}

/* --- Of a recorded text ----------------------------------------------------------------------------------------------- */

static const char *behind_line(const char *text)
{
	text += strcspn(text, "\n");
	return *text == '\n' ? text + 1 : text;
}

/* The line behind the first one that begins so, blanks left out; NULL: there is none. */
static const char *behind(const char *text, const char *beginning)
{
	for (; *text; text = behind_line(text)) {
		if (strncmp(text + strspn(text, " "), beginning, strlen(beginning)) == 0)
			return behind_line(text);
	}
	return NULL;
}

/* The zones without memory have no numbers behind their protection. */
static const char *zone_part(const char *text)
{
	while ((text = behind(text, "protection:")) != NULL) {
		if (*text == ' ')
			return text;
	}
	return NULL;
}

static const char *part_of(enum stat_part part, const char *text)
{
	return part == STAT_ALL ? text : part == STAT_NODE ? behind(text, "per-node stats") : zone_part(text);
}

/* A line of a name and a number. What comes behind the numbers of a zone or a node is something else: "pagesets", "pages free N". */
static bool next_recorded(struct stat_names *names, struct stat_name *name)
{
	const char *text = names->text + strspn(names->text, " ");

	*name = (struct stat_name){.text = text, .length = strcspn(text, " \n")};
	text += name->length;
	if (name->length == 0 || *text != ' ')
		return false;
	name->value = text + strspn(text, " ");
	name->value_length = strspn(name->value, "0123456789");
	text = name->value + name->value_length;
	if (name->value_length == 0 || (*text != '\n' && *text != '\0'))
		return false;
	names->text = behind_line(text);
	return true;
}

void stat_names_begin(struct stat_names *names, enum stat_part part, const char *recorded)
{
	*names = (struct stat_names){.part = part, .next = first_of(part)};
	if (recorded)
		names->text = part_of(part, recorded);
}

bool stat_names_next(struct stat_names *names, struct stat_name *name)
{
	return names->text ? next_recorded(names, name) : next_listed(names, name);
}
