/* The one file of a program that holds the implementation. */
#define PARTAWARE_IMPLEMENTATION
#include <partaware.h>
