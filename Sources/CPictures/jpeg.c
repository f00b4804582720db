#include "CPictures.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// jpeglib.h needs stdio.h before it.
#include <jerror.h>
#include <jpeglib.h>

// A progressive file may claim any number of passes over the picture; real ones have about ten.
#define MOST_SCANS 200

typedef struct {
    struct jpeg_error_mgr manager;
    jmp_buf back;
    char *message;
} errors;

static void leave(j_common_ptr info) {
    errors *e = (errors *)info->err;
    (*info->err->format_message)(info, e->message);
    longjmp(e->back, 1);
}

// A picture that ends too soon is an error; other warnings (stray bytes) are nobody's business.
static void on_message(j_common_ptr info, int level) {
    if (level < 0 && info->err->msg_code == JWRN_JPEG_EOF) leave(info);
}

static void on_progress(j_common_ptr info) {
    if (!info->is_decompressor) return;
    if (((j_decompress_ptr)info)->input_scan_number > MOST_SCANS) {
        errors *e = (errors *)info->err;
        strcpy(e->message, "too many scans");
        longjmp(e->back, 1);
    }
}

_Static_assert(JMSG_LENGTH_MAX <= VZ_PICTURE_MESSAGE, "libjpeg's messages must fit");

static void catch_errors(errors *e, char *message) {
    jpeg_std_error(&e->manager);
    e->manager.error_exit = leave;
    e->manager.emit_message = on_message;
    e->message = message;
}

int vz_jpeg_size(const uint8_t *bytes, size_t n, int32_t *width, int32_t *height, char *message) {
    struct jpeg_decompress_struct info;
    errors e;
    catch_errors(&e, message);
    info.err = &e.manager;
    if (setjmp(e.back)) {
        jpeg_destroy_decompress(&info);
        return 1;
    }
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, bytes, n);
    jpeg_read_header(&info, TRUE);
    *width = (int32_t)info.image_width;
    *height = (int32_t)info.image_height;
    jpeg_destroy_decompress(&info);
    return 0;
}

int vz_jpeg_read(const uint8_t *bytes, size_t n, vz_picture *out, char *message) {
    struct jpeg_decompress_struct info;
    struct jpeg_progress_mgr progress = {0};
    errors e;
    memset(out, 0, sizeof *out);
    catch_errors(&e, message);
    info.err = &e.manager;
    if (setjmp(e.back)) {
        jpeg_destroy_decompress(&info);
        vz_picture_free(out);
        return 1;
    }
    jpeg_create_decompress(&info);
    progress.progress_monitor = on_progress;
    info.progress = &progress;
    jpeg_mem_src(&info, bytes, n);
    jpeg_save_markers(&info, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(&info, TRUE);
    for (jpeg_saved_marker_ptr m = info.marker_list; m; m = m->next) {
        if (m->data_length > 6 && memcmp(m->data, "Exif\0\0", 6) == 0 && !out->exif) {
            out->exif_size = m->data_length - 6;
            out->exif = malloc(out->exif_size);
            if (out->exif) memcpy(out->exif, m->data + 6, out->exif_size);
        }
    }
    if (info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK) {
        info.out_color_space = JCS_CMYK;
    } else if (info.jpeg_color_space != JCS_GRAYSCALE) {
        info.out_color_space = JCS_RGB;
    }
    info.dct_method = JDCT_ISLOW;
    jpeg_start_decompress(&info);
    out->width = (int32_t)info.output_width;
    out->height = (int32_t)info.output_height;
    out->channels = info.output_components;
    out->is_inverted = info.saw_Adobe_marker;
    size_t row = (size_t)info.output_width * (size_t)info.output_components;
    out->pixels = malloc(row * info.output_height);
    if (!out->pixels) ERREXIT1(&info, JERR_OUT_OF_MEMORY, 0);
    while (info.output_scanline < info.output_height) {
        JSAMPROW line = out->pixels + row * info.output_scanline;
        jpeg_read_scanlines(&info, &line, 1);
    }
    jpeg_finish_decompress(&info);
    jpeg_destroy_decompress(&info);
    return 0;
}

int vz_jpeg_write(const uint8_t *pixels, int32_t width, int32_t height, int32_t channels, int32_t quality,
                  uint8_t **bytes, size_t *n, char *message) {
    struct jpeg_compress_struct info;
    errors e;
    unsigned char *target = NULL;
    unsigned long size = 0;
    catch_errors(&e, message);
    info.err = &e.manager;
    if (setjmp(e.back)) {
        jpeg_destroy_compress(&info);
        return 1;
    }
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &target, &size);
    info.image_width = (JDIMENSION)width;
    info.image_height = (JDIMENSION)height;
    info.input_components = channels;
    info.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, quality, TRUE);
    // No colour is halved: figures have thin coloured lines.
    if (channels == 3) {
        info.comp_info[0].h_samp_factor = 1;
        info.comp_info[0].v_samp_factor = 1;
    }
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < info.image_height) {
        JSAMPROW line = (JSAMPROW)(pixels + (size_t)info.next_scanline * (size_t)width * (size_t)channels);
        jpeg_write_scanlines(&info, &line, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    *bytes = target;
    *n = size;
    return 0;
}
