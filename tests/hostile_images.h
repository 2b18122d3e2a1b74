/* Rows of group D. See hostile.c. */
#ifndef PAW_TEST_HOSTILE_IMAGES_H
#define PAW_TEST_HOSTILE_IMAGES_H

static const h_row hostile_images[] = {
    { "D1", "nothing, one byte, folders, pipes, devices, link loops, 1 GiB", NULL, NULL, NULL },
    { "D2", "a JPEG cut short", NULL, NULL, NULL },
    { "D3", "20,000 x 20,000 PNG, 65,500 x 65,500 JPEG", NULL, NULL, NULL },
    { "D4", "PNG named .JPEG, JPEG named .png, a web page named .jpg", NULL, NULL, NULL },
    { "D5", "every kind of PNG and JPEG", NULL, NULL, NULL },
    { "D6", "PNG whose data, text or profile explodes; wrong sums; no end; 1-byte chunks", NULL,
      NULL, NULL },
    { "D7", "animations", NULL, NULL, NULL },
    { "D8", "1 x 1, 1 x 5,000, no width", NULL, NULL, NULL },
    { "D9", "crops outside, half outside, of no side, around NaN", NULL, NULL, NULL },
    { "D10", "key points that are NaN, infinite, 1e30, (0, 0), of the wrong number", NULL,
      NULL, NULL },
    { "D11", "masks with unknown classes, of another size, in colours, of 16 bits", NULL,
      NULL, NULL },
    { "D12", "masks where all is ignored, classes that never occur", NULL, NULL, NULL },
    { "D13", "an index behind the palette", NULL, NULL, NULL },
    { "D14", "file names of any bytes", NULL, NULL, NULL },
};
#endif
