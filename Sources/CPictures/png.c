#include "CPictures.h"
#include <png.h>
#include <stdlib.h>
#include <string.h>

// libpng's simplified interface catches its own errors.

static int fail(png_image *image, char *message) {
    strncpy(message, image->message[0] ? image->message : "unknown reason", VZ_PICTURE_MESSAGE - 1);
    message[VZ_PICTURE_MESSAGE - 1] = 0;
    png_image_free(image);
    return 1;
}

static int begin(png_image *image, const uint8_t *bytes, size_t n, char *message) {
    memset(image, 0, sizeof *image);
    image->version = PNG_IMAGE_VERSION;
    if (!png_image_begin_read_from_memory(image, bytes, n)) return fail(image, message);
    return 0;
}

int vz_png_size(const uint8_t *bytes, size_t n, int32_t *width, int32_t *height, char *message) {
    png_image image;
    if (begin(&image, bytes, n, message)) return 1;
    *width = (int32_t)image.width;
    *height = (int32_t)image.height;
    png_image_free(&image);
    return 0;
}

int vz_png_read(const uint8_t *bytes, size_t n, vz_picture *out, char *message) {
    png_image image;
    memset(out, 0, sizeof *out);
    if (begin(&image, bytes, n, message)) return 1;
    image.format = PNG_FORMAT_RGBA;
    // Without this, 16 bits without a gamma would be taken for linear light.
    image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
    uint8_t *pixels = malloc(PNG_IMAGE_SIZE(image));
    if (!pixels) {
        strcpy(image.message, "not enough memory");
        return fail(&image, message);
    }
    if (!png_image_finish_read(&image, NULL, pixels, 0, NULL)) {
        free(pixels);
        return fail(&image, message);
    }
    out->pixels = pixels;
    out->width = (int32_t)image.width;
    out->height = (int32_t)image.height;
    out->channels = 4;
    png_image_free(&image);
    return 0;
}

int vz_png_write(const uint8_t *pixels, int32_t width, int32_t height, int32_t channels, uint8_t **bytes,
                 size_t *n, char *message) {
    png_image image;
    memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
    image.width = (png_uint_32)width;
    image.height = (png_uint_32)height;
    image.format = channels == 1 ? PNG_FORMAT_GRAY : channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_RGBA;
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    uint8_t *out = malloc(size);
    if (!out) {
        strcpy(image.message, "not enough memory");
        return fail(&image, message);
    }
    if (!png_image_write_to_memory(&image, out, &size, 0, pixels, 0, NULL)) {
        free(out);
        return fail(&image, message);
    }
    *bytes = out;
    *n = size;
    return 0;
}

void vz_bytes_free(uint8_t *bytes) { free(bytes); }

void vz_picture_free(vz_picture *picture) {
    free(picture->pixels);
    free(picture->exif);
    memset(picture, 0, sizeof *picture);
}
