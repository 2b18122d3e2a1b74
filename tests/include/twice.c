/* Declarations twice, then the implementation, then declarations again; user headers between. */
#include "partaware.h"
#include <stdio.h>
#include "partaware.h"
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include <string.h>
#include "partaware.h"

int main(void)
{
    paw_ctx *c = NULL;
    paw_err e = paw_create(NULL, &c);
    printf("%s %s\n", paw_isa_name(paw_isa()), paw_strerror(e));
    paw_destroy(c);
    return e != PAW_OK || strlen(paw_message(NULL)) == 0;
}
