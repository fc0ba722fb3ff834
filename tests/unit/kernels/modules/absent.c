/* Stands for a library that is there when a module is linked and gone when it is opened. */
int absent_call(void);
int absent_call(void)
{
    return 1;
}
