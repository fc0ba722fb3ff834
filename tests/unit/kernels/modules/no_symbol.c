extern const int something_else;
const int something_else = 1;
