/* Tests of base/cli.c. */
#include "base/cli.h"

#include "tests/test.h"

enum { MAKE = 1, BREAK = 2 };

struct options {
    const char *text, *filled, *first, *second;
    bool flag;
    int number;
    double share;
};

static const struct cli_option rows[] = {
    {NULL, "FIRST", CLI_TEXT(first)},
    {"text", "T", CLI_TEXT(text), .help = "of anything"},
    {NULL, "SECOND", CLI_TEXT(second), .commands = MAKE},
    {"filled", "T", CLI_FILLED(filled), .help = "of anything but nothing"},
    {"flag", NULL, CLI_FLAG(flag), .help = "without a value"},
    {"number", "N", CLI_INT(number, -5, 1024), .commands = MAKE, .help = "of MAKE"},
    {"share", "S", CLI_NUMBER(share, 1e-7, .5), .commands = MAKE | BREAK, .help = "of both"},
};

/* words: the arguments, separated by blanks; '' is an empty one. */
static int parse(unsigned command, const char *words, struct options *out, struct err *err)
{
    static char text[200];
    struct cli cli = CLI("", rows);
    char *argv[16] = {"program"};
    int argc = 1;

    cli.command = command;
    snprintf(text, sizeof(text), "%s", words);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        argv[argc++] = strcmp(word, "''") == 0 ? "" : word;
    *out = (struct options){.number = 7};
    return cli_read(&cli, argc, argv, out, err);
}

TEST(cli__reads_options_and_words)
{
    struct options o;
    struct err err;

    CHECK_OK(parse(MAKE, "a --text '' --number=-5 b --flag --share 0.25 --filled x", &o, &err),
             err);
    CHECK_STR(o.first, "a");
    CHECK_STR(o.second, "b");
    CHECK_STR(o.text, "");
    CHECK_STR(o.filled, "x");
    CHECK(o.flag && o.number == -5 && o.share == 0.25);
    CHECK_OK(parse(MAKE, "--num 3 --fl", &o, &err), err);
    CHECK(o.flag && o.number == 3);
    CHECK_OK(parse(BREAK, "", &o, &err), err);
    CHECK(!o.first && !o.flag && o.number == 7);
    CHECK_INT(parse(MAKE, "a --help --nothing", &o, &err), 1);
    CHECK_INT(parse(MAKE, "--number 1 -h", &o, &err), 1);
}

TEST(cli__refuses)
{
    static const struct {
        const char *words, *why;
    } refused[] = {
        {"--nothing", "--nothing: unknown option, see --help"},
        {"-x", "-x: unknown option"},
        {"--flag=1", "--flag=1: takes no value"},
        {"--help=1", "--help=1: takes no value"},
        {"--f", "--f: unknown option"}, /* --filled or --flag */
        {"--number 1", "--number: unknown option"},
        {"--text", "--text: needs a value"},
        {"--filled ''", "--filled: must not be empty"},
        {"--share 0", "--share 0: must be a number from 1e-07 to 0.5"},
        {"a b", "b: no such argument"},
    };
    struct options o;
    struct err err;

    for (int i = 0; i < COUNT(refused); i++) {
        test_row("%s", refused[i].words);
        CHECK_ERR(parse(BREAK, refused[i].words, &o, &err), err, refused[i].why);
        CHECK_INT(err.code, ERR_USAGE);
    }
    CHECK_ERR(parse(MAKE, "--number 1025", &o, &err), err, "an integer from -5 to 1024");
    CHECK_ERR(parse(MAKE, "--number 1.5", &o, &err), err, "--number 1.5: must be");
    CHECK_ERR(parse(MAKE, "a b c", &o, &err), err, "c: no such argument");
}

TEST(cli__prints_the_options_of_a_command)
{
    static const struct cli cli = {"usage: program\n", rows, COUNT(rows), BREAK};
    char text[400] = "";
    FILE *to = fmemopen(text, sizeof(text), "w");

    CHECK(to);
    cli_print(&cli, to);
    fclose(to);
    CHECK_STR(text, "usage: program\n"
                    "  --text T                of anything\n"
                    "  --filled T              of anything but nothing\n"
                    "  --flag                  without a value\n"
                    "  --share S               of both\n");
}
