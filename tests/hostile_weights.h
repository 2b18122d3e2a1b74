/* Rows of group C. See hostile.c. */
#ifndef PAW_TEST_HOSTILE_WEIGHTS_H
#define PAW_TEST_HOSTILE_WEIGHTS_H

static const h_row hostile_weights[] = {
    { "C1", "a NaN or an infinity among the weights", NULL, NULL, NULL },
    { "C2", "a tensor less", NULL, NULL, NULL },
    { "C3", "tensors that nobody asked for", NULL, NULL, NULL },
    { "C4", "a width that does not divide into the heads; wrong heads", NULL, NULL, NULL },
    { "C5", "transposed, split, fused weights; half a bias; a relative table of wrong length", NULL,
      NULL, NULL },
    { "C6", "position tables that are not square, or of another size", NULL, NULL, NULL },
    { "C7", "images that are no multiple of the patch", NULL, NULL, NULL },
    { "C8", "layer scale and registers", NULL, NULL, NULL },
    { "C9", "one family's weights read as another's", NULL, NULL, NULL },
    { "C10", "activations that overflow", NULL, NULL, NULL },
};
#endif
