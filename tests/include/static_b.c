#define PARTAWARE_STATIC
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"

extern int other_version(void);
int other_version(void) { return paw_version(); }
