/*
 * libraw_offsets.c - byte offsets of the fields of LibRaw's libraw_data_t.
 *
 * libraw_data_t is a large public C struct whose layout changes with LibRaw's
 * minor version (0.20, 0.21, 0.22) and, through C's `long`, with the data
 * model (LP64 on Linux and macOS, LLP64 on Windows).  A program that reads it
 * without LibRaw's headers has to know where each field lies; this one prints
 * that for the headers it is compiled with.
 *
 *   cc -I/usr/include libraw_offsets.c -o libraw_offsets
 *   ./libraw_offsets           one line per field: name offset
 *   ./libraw_offsets -i        name, offset, group, offset inside its group
 *
 * A "group" is the sub-struct of libraw_data_t that holds the field (sizes,
 * idata, color, ...), so that comparing the fourth column between versions
 * shows which fields keep their place inside their sub-struct.
 *
 * For a target whose programs cannot be run here, compile only and print the
 * table that lies in the object file (section ".lroffs"):
 *
 *   x86_64-w64-mingw32-gcc -I... -c libraw_offsets.c -o win.o
 *   x86_64-w64-mingw32-objcopy -O binary -j .lroffs win.o win.bin
 *   ./libraw_offsets -i win.bin
 *
 * Nothing of LibRaw is linked.
 */
#include <libraw/libraw.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* One record; fixed width, so that it reads the same from a foreign object. */
struct record
{
  char group[16];  /* sub-struct, "" for sizes of types            */
  char name[48];   /* dotted name below libraw_data_t               */
  uint32_t offset; /* from the start of libraw_data_t, or a size    */
  uint32_t inner;  /* from the start of the group                   */
};

typedef libraw_data_t D;

/* F: a field of a sub-struct.  S: a size, or an offset inside a small type. */
#define F(group, field)                                                        \
  {#group, #group "." #field, offsetof(D, group.field),                        \
   offsetof(D, group.field) - offsetof(D, group)}
#define G(group) {#group, #group, offsetof(D, group), 0}
#define S(name, value) {"", name, (value), (value)}

/* max_raw_memory_mb and the raw options moved from params to rawparams. */
#if LIBRAW_VERSION >= LIBRAW_MAKE_VERSION(0, 21, 0)
#define RAWPARAMS_FIELDS                                                       \
  G(rawparams), F(rawparams, options), F(rawparams, shot_select),              \
      F(rawparams, specials), F(rawparams, max_raw_memory_mb),
#else
#define RAWPARAMS_FIELDS                                                       \
  F(params, raw_processing_options), F(params, shot_select),                   \
      F(params, max_raw_memory_mb),
#endif

__attribute__((section(".lroffs"), used)) const struct record table[] = {
    S("sizeof.libraw_data_t", sizeof(libraw_data_t)),
    S("version", LIBRAW_VERSION),
    S("sizeof.long", sizeof(long)),
    S("sizeof.time_t", sizeof(((D *)0)->other.timestamp)),

    G(sizes), F(sizes, raw_height), F(sizes, raw_width), F(sizes, height),
    F(sizes, width), F(sizes, top_margin), F(sizes, left_margin),
    F(sizes, raw_pitch), F(sizes, pixel_aspect), F(sizes, flip),

    G(idata), F(idata, make), F(idata, model), F(idata, raw_count),
    F(idata, dng_version), F(idata, is_foveon), F(idata, colors),
    F(idata, filters), F(idata, xtrans), F(idata, cdesc),

    G(params), RAWPARAMS_FIELDS

    {"", "progress_flags", offsetof(D, progress_flags),
     offsetof(D, progress_flags)},
    {"", "process_warnings", offsetof(D, process_warnings),
     offsetof(D, process_warnings)},

    G(color), F(color, cblack), F(color, black), F(color, data_maximum),
    F(color, maximum), F(color, linear_max),
    S("sizeof.color.linear_max[0]", sizeof(((D *)0)->color.linear_max[0])),
    F(color, cam_mul), F(color, pre_mul), F(color, rgb_cam), F(color, cam_xyz),
    F(color, dng_color),
    S("sizeof.dng_color[0]", sizeof(libraw_dng_color_t)),
    S("dng_color[0].parsedfields", offsetof(libraw_dng_color_t, parsedfields)),
    S("dng_color[0].illuminant", offsetof(libraw_dng_color_t, illuminant)),
    S("dng_color[0].calibration", offsetof(libraw_dng_color_t, calibration)),
    S("dng_color[0].colormatrix", offsetof(libraw_dng_color_t, colormatrix)),
    S("dng_color[0].forwardmatrix",
      offsetof(libraw_dng_color_t, forwardmatrix)),
    F(color, dng_levels), F(color, dng_levels.parsedfields),
    F(color, dng_levels.dng_cblack), F(color, dng_levels.dng_black),
    F(color, dng_levels.dng_whitelevel), F(color, dng_levels.analogbalance),
    F(color, dng_levels.asshotneutral), F(color, dng_levels.baseline_exposure),
    F(color, as_shot_wb_applied), F(color, raw_bps),

    G(other), F(other, iso_speed), F(other, shutter), F(other, aperture),
    F(other, focal_len), F(other, timestamp),

    G(rawdata), F(rawdata, raw_alloc), F(rawdata, raw_image),
    F(rawdata, color4_image), F(rawdata, color3_image),
    F(rawdata, float_image), F(rawdata, float3_image),
    F(rawdata, float4_image),

    {"", "parent_class", offsetof(D, parent_class), offsetof(D, parent_class)},
};

#ifndef LIBRAW_OFFSETS_NO_MAIN
static void print_record(const struct record *r, int inner)
{
  if (!inner)
    printf("%s %u\n", r->name, (unsigned)r->offset);
  else
    printf("%s %u %s %u\n", r->name, (unsigned)r->offset,
           r->group[0] ? r->group : "-", (unsigned)r->inner);
}

int main(int argc, char **argv)
{
  int inner = argc > 1 && strcmp(argv[1], "-i") == 0;
  const char *dump = argc > 1 + inner ? argv[1 + inner] : NULL;

  if (dump)
  {
    struct record r;
    FILE *f = fopen(dump, "rb");
    if (!f)
    {
      perror(dump);
      return 1;
    }
    while (fread(&r, sizeof r, 1, f) == 1)
      if (r.name[0]) /* an object section may end in padding */
        print_record(&r, inner);
    fclose(f);
    return 0;
  }
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
    print_record(&table[i], inner);
  return 0;
}
#endif
