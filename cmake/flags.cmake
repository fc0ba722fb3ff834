# Warnings, hardening (OpenSSF compiler options guide) and the sanitizer presets.
include(CheckCCompilerFlag)
include(CheckPIESupported)
check_pie_supported()

option(ADRANK_WERROR "warnings are errors" OFF)
set(ADRANK_SANITIZE "" CACHE STRING "address | thread | empty")
option(ADRANK_COVERAGE "gcov" OFF)
option(ADRANK_FUZZ "libFuzzer targets (clang)" OFF)

set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g")

add_compile_options(-Wall -Wextra -Wshadow -Wvla -Wconversion -Wformat=2 -Wundef
                    -fno-omit-frame-pointer -fno-delete-null-pointer-checks)
add_compile_options($<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>
                    $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>)
if(CMAKE_C_COMPILER_ID MATCHES "Clang") # gcc's -Wconversion leaves these two out of C
  add_compile_options(-Wno-sign-conversion -Wno-implicit-int-float-conversion)
endif()
# Everything the C library has; empty, so that a file may still say it for itself.
add_compile_definitions($<$<COMPILE_LANGUAGE:C>:_GNU_SOURCE=>)
if(ADRANK_WERROR)
  add_compile_options(-Werror)
endif()
add_link_options(-Wl,--as-needed)

if(ADRANK_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
elseif(ADRANK_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
else()
  add_compile_options(-fstack-protector-strong -fstack-clash-protection)
  check_c_compiler_flag(-fcf-protection have_cf_protection) # x86 only
  if(have_cf_protection)
    add_compile_options(-fcf-protection)
  endif()
  if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT ADRANK_COVERAGE)
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS)
  endif()
  add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
endif()
if(ADRANK_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(ADRANK_COVERAGE)
  add_compile_options(--coverage -O0)
  add_link_options(--coverage)
endif()
