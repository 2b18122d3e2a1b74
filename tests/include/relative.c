/* Included by path, compiled without any -I: the header finds itself. */
#define PARTAWARE_IMPLEMENTATION
#include "../../partaware.h"

int main(void) { return paw_version() != PAW_VERSION; }
