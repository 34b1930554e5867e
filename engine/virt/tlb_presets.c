#include "config.h"

#include "engine/virt/tlb_geometry.h"

#include <string.h>

static const struct tlb_preset presets[] = {
    {"skylake-sp", "Intel Xeon Scalable, 1st and 2nd generation",
     "l1d.4k=64x4,l1d.2m=32x4,l1d.1g=4x4,l1i.4k=128x8,l1i.2m+1g=8xfull,l2.4k+2m=1536x12,l2.1g=16x4,"
     "walk2=32x4,walk3=4xfull,walk4=2xfull"},
    {"icelake-sp", "Intel Xeon Scalable, 3rd generation",
     "l1d.4k=64x4,l1d.2m=32x4,l1d.1g=8xfull,l1i.4k=128x8,l1i.2m+1g=16x8,l2.4k=2048x8,l2.2m=1024x8,l2.1g="
     "1024x8,"
     "walk2=32x4,walk3=4xfull,walk4=2xfull"},
    {"sapphire-rapids", "Intel Xeon Scalable, 4th generation",
     "l1d.4k=96x6,l1d.2m=32x4,l1d.1g=8xfull,l1i.4k=256x8,l1i.2m+1g=32x8,l2.4k=2048x8,l2.2m=1024x8,l2.1g="
     "1024x8,"
     "walk2=32x4,walk3=4xfull,walk4=2xfull,walk5=1xfull"},
    {"zen2", "AMD EPYC 7002",
     "l1d=64xfull,l1i=64xfull,l2d.4k=2048x8,l2d.2m=2048x4,l2i.4k+2m=512x8,walk2=64xfull"},
    {"zen3", "AMD EPYC 7003",
     "l1d=64xfull,l1i=64xfull,l2d.4k=2048x8,l2d.2m=2048x4,l2d.1g=64xfull,l2i.4k+2m=512x4,walk2=64xfull"},
    {"zen4", "AMD EPYC 9004",
     "l1d=72xfull,l1i=64xfull,l2d.4k=3072x8,l2d.2m=3072x6,l2d.1g=64xfull,l2i.4k=512x4,l2i.2m=512x2,walk2="
     "64xfull"},
    {"neoverse-n1", "Arm Neoverse N1",
     "l1d=48xfull,l1i=48xfull,l2=1280x5,coalesce=4,walk2=64x4,walk-flush=tables,paging=arm64-4k"},
    {"neoverse-v1", "Arm Neoverse V1",
     "l1d=40xfull,l1i=48xfull,l2=2048x8,walk2=64x4,walk-flush=tables,paging=arm64-4k"},
    {"neoverse-v2", "Arm Neoverse V2",
     "l1d=48xfull,l1i=48xfull,l2=2048x8,walk2=64x4,walk-flush=tables,paging=arm64-4k"},
    {"apple-m1", "Apple M1, performance core",
     "l1d=160xfull,l1i=192xfull,l2=3072x12,walk2=64x4,walk-flush=tables,paging=arm64-16k"},
    {"80386", "Intel 80386", "l1=32x4,replace=fifo,asid=no,paging=i386"},
    {"80486", "Intel486", "l1=32x4,replace=plru,asid=no,paging=i386"},
    {"p6", "Intel Pentium Pro, II and III",
     "l1d.4k=64x4,l1d.2m+4m=8x4,l1i.4k=32x4,l1i.2m+4m=2xfull,asid=no,paging=i386"},
    {"champsim", "the simulator ChampSim, its default",
     "l1d=64x4,l1i=64x4,l2=1536x12,walk2=32x8,walk3=8x4,walk4=4xfull,walk5=2xfull,paging=x86-64-5"},
    {"virtuoso", "the simulator Virtuoso, its default",
     "l1d.4k=64x4,l1d.2m=64x4,l1i=64x4,l2=2048x8,walk2=32x4,walk3=32x4,walk4=32x4"},
};

#define INTEL_WALK "academic reverse engineering; the manual gives no sizes (SDM volume 3A, 4.10.3)"
#define CPUID_DUMP "CPUID leaf 0x18 as dumped in InstLatx64"
#define CPUID_AMD "CPUID leaves 0x80000005, 6 and 0x19 as dumped in InstLatx64"

static const struct tlb_figure figures[] = {
    {"skylake-sp", "l1d.4k, l1d.2m, l1d.1g, l1i.4k, l1i.2m+1g, l2.4k+2m",
     "Intel Optimization Manual, table 2-15, as quoted at community.intel.com 1371605; CPUID leaf 2", true},
    {"skylake-sp", "12 ways of l2.4k+2m", "WikiChip; CPUID descriptor C3 says 6", true},
    {"skylake-sp", "l2.1g", "recalled", false},
    {"skylake-sp", "walk2, walk3, walk4", INTEL_WALK, false},
    {"icelake-sp", "l1d, l1i.4k, l2", CPUID_DUMP " (606A6)", true},
    {"icelake-sp", "l1i.2m+1g", "the same dump's operating system; CPUID says 8, fully associative", true},
    {"icelake-sp", "l2.4k as one array", "a model: 4 KiB pages share one array with 2 MiB and one with 1 GiB",
     false},
    {"icelake-sp", "walk2, walk3, walk4", INTEL_WALK, false},
    {"sapphire-rapids", "l1d.2m, l1d.1g, l1i, l2", CPUID_DUMP " (806F8)", true},
    {"sapphire-rapids", "96 entries of l1d.4k",
     "Intel Architecture Day 2021 as quoted by cpunews.net; CPUID says 64x4", true},
    {"sapphire-rapids", "6 ways of l1d.4k", "recalled", false},
    {"sapphire-rapids", "l2.4k as one array",
     "a model: 4 KiB pages share one array with 2 MiB and one with 1 GiB", false},
    {"sapphire-rapids", "walk2 ... walk5", INTEL_WALK, false},
    {"zen2", "l1d, l1i, l2d, l2i", CPUID_AMD " (830F10); WikiChip says 12 ways", true},
    {"zen2", "no part of level 2 for 1 GiB pages", "CPUID leaf 0x80000019: 0", true},
    {"zen2", "walk2", "recalled", false},
    {"zen3", "l1d, l1i, l2d, l2i", CPUID_AMD " (A00F11)", true},
    {"zen3", "walk2", "recalled", false},
    {"zen4", "l1d, l1i, l2d, l2i", CPUID_AMD " (A10F11), and read on such a processor", true},
    {"zen4", "72 entries of l1d", "a pointer chase on such a processor: knee between 48 and 72 pages", true},
    {"zen4", "walk2", "recalled", false},
    {"neoverse-n1", "l1d, l1i, l2, coalesce", "Arm Cortex-A76 TRM, A5.2 and A6.6 (the same core)", true},
    {"neoverse-n1", "walk2", "a model: the processor keeps intermediate entries in its level 2", false},
    {"neoverse-v1", "all", "recalled from Arm TRM 101427", false},
    {"neoverse-v2", "all", "recalled from Arm TRM 102375", false},
    {"apple-m1", "all", "recalled from AnandTech 16226; the ways are a guess", false},
    {"80386", "l1, 4 ways", "Intel 80386 data sheet, 4.5.4", true},
    {"80386", "replace", "a model of the 2-bit pointer of the hardware manual, 12.1.2", false},
    {"80486", "l1, replace, asid", "Embedded Intel486 hardware manual, 3.7 and figure 3-7", true},
    {"p6", "l1d, l1i", "CPUID descriptors 01 to 04: Intel 243191, table 3-9", true},
    {"p6", "2m; replace; no walk caches", "recalled: the descriptors name 4 MiB pages alone", false},
    {"champsim", "all", "champsim_config.json at 2ff25011", true},
    {"virtuoso", "all", "config/mmu_configs/mmu_base.cfg at 8188baf0; its L1 has no part for 1 GiB", true},
};

const struct tlb_preset *tlb_preset(unsigned number)
{
	return number < sizeof(presets) / sizeof(presets[0]) ? &presets[number] : NULL;
}

const struct tlb_figure *tlb_preset_figure(unsigned number)
{
	return number < sizeof(figures) / sizeof(figures[0]) ? &figures[number] : NULL;
}

const struct tlb_preset *tlb_preset_find(const char *name)
{
	for (unsigned i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
		if (strcmp(presets[i].name, name) == 0)
			return &presets[i];
	}
	return NULL;
}
