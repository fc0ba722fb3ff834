/* A module that is none: it exports nothing. */
extern const int something_else;
const int something_else = 1;
