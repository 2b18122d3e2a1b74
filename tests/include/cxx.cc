// The implementation inside a C++ file, behind C++ headers.
#include <string>
#include <vector>
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"

int main()
{
    std::vector<std::string> names;
    for (int r = 0; r < PAW_RECIPES; ++r) names.push_back(paw_recipe_name(r));
    return names.size() != static_cast<size_t>(PAW_RECIPES);
}
