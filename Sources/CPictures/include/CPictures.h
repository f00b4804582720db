// A door to libpng and libjpeg-turbo whose errors come back as a message: their longjmp stays here.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define VZ_PICTURE_MESSAGE 256

typedef struct {
    uint8_t *pixels; // height x width x channels, freed with vz_picture_free
    int32_t width, height;
    int32_t channels; // 4 (red, green, blue, alpha) from PNG; 1, 3 or 4 (CMYK) from JPEG
    int32_t is_inverted; // CMYK as Adobe stores it
    uint8_t *exif; // the Exif block of a JPEG, NULL where there is none
    size_t exif_size;
} vz_picture;

// Width and height alone, to check before memory is taken. 0 on success.
int vz_png_size(const uint8_t *bytes, size_t n, int32_t *width, int32_t *height, char *message);
int vz_jpeg_size(const uint8_t *bytes, size_t n, int32_t *width, int32_t *height, char *message);

// Decode. 0 on success, else `message` (of VZ_PICTURE_MESSAGE bytes) says why not.
int vz_png_read(const uint8_t *bytes, size_t n, vz_picture *out, char *message);
int vz_jpeg_read(const uint8_t *bytes, size_t n, vz_picture *out, char *message);
void vz_picture_free(vz_picture *picture);

// Encode `channels` 1 (grey), 3 or, PNG alone, 4. The result is freed with vz_bytes_free.
int vz_png_write(const uint8_t *pixels, int32_t width, int32_t height, int32_t channels, uint8_t **bytes,
                 size_t *n, char *message);
int vz_jpeg_write(const uint8_t *pixels, int32_t width, int32_t height, int32_t channels, int32_t quality,
                  uint8_t **bytes, size_t *n, char *message);
void vz_bytes_free(uint8_t *bytes);
