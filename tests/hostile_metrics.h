/* Rows of group F. See hostile.c. */
#ifndef PAW_TEST_HOSTILE_METRICS_H
#define PAW_TEST_HOSTILE_METRICS_H

static const h_row hostile_metrics[] = {
    { "F1", "one item, one class, a query alone", NULL, NULL, NULL },
    { "F2", "equal similarities, exact duplicates", NULL, NULL, NULL },
    { "F3", "a feature of zeros", NULL, NULL, NULL },
    { "F4", "a feature that is NaN", NULL, NULL, NULL },
    { "F5", "N = 1, D = 1; N x N beyond memory", NULL, NULL, NULL },
    { "F6", "a probe that diverges", NULL, NULL, NULL },
    { "F7", "a class that training never saw", NULL, NULL, NULL },
};
#endif
