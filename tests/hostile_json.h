/* Rows of group E. See hostile.c. */
#ifndef PAW_TEST_HOSTILE_JSON_H
#define PAW_TEST_HOSTILE_JSON_H

static const h_row hostile_json[] = {
    { "E1", "1,000,000 deep, 2 GB, no end, half a surrogate, byte order mark, an id twice", NULL,
      NULL, NULL },
    { "E2", "1e999, -0, 0x10, NaN, +1", NULL, NULL, NULL },
    { "E3", "ids missing, fractional, above 2^53", NULL, NULL, NULL },
    { "E4", "images listed but not there", NULL, NULL, NULL },
    { "E5", "CR LF, no last newline, short rows, huge ids", NULL, NULL, NULL },
    { "E6", "a locale whose numbers have a comma", NULL, NULL, NULL },
};
#endif
