# Manual pages, in mdoc.
dist_man_MANS += %D%/faultline.1 %D%/flt.5
