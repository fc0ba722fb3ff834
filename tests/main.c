/* main() of every test program: linked where a program has none of its own. */
#include "tests/test.h"

int main(int argc, char **argv)
{
    return test_main(argc, argv);
}
