/* The header before anything else, as declarations. Compiled as C and as C++. */
#include "partaware.h"

extern paw_err alone(paw_ctx **c);
paw_err alone(paw_ctx **c) { return paw_create(NULL, c); }
