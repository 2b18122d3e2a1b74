/* Two files of one program, each with its own private copy. */
#define PARTAWARE_STATIC
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"

extern int other_version(void);
extern int main(void);
int main(void) { return paw_version() != other_version(); }
