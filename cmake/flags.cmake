# Warnings, hardening (OpenSSF compiler options guide) and the sanitizer presets.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)
include(CheckPIESupported)
check_pie_supported()

option(ADRANK_WERROR "warnings are errors" OFF)
set(ADRANK_SANITIZE "" CACHE STRING "address | thread | empty")
option(ADRANK_COVERAGE "gcov" OFF)
option(ADRANK_FUZZ "libFuzzer targets (clang)" OFF)

# Without a word "cmake -B build" would build with neither optimisation nor FORTIFY.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release | RelWithDebInfo | Debug" FORCE)
endif()
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g")

# Those of the flags that this compiler has, for this processor. The C++ compiler is the same one.
function(adrank_flags)
  foreach(flag ${ARGN})
    string(MAKE_C_IDENTIFIER "have${flag}" have)
    check_c_compiler_flag(${flag} ${have})
    if(${have})
      add_compile_options(${flag})
    endif()
  endforeach()
endfunction()

# -Wformat=2 holds -Wformat-security; with ADRANK_WERROR it is an error like the others.
add_compile_options(-Wall -Wextra -Wshadow -Wvla -Wconversion -Wformat=2 -Wundef -fno-omit-frame-pointer
                    "$<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes;-Wmissing-prototypes>")
adrank_flags(-Wimplicit-fallthrough -Wtrampolines -Wbidi-chars=any)
if(CMAKE_C_COMPILER_ID MATCHES "Clang") # gcc's -Wconversion leaves these two out of C
  add_compile_options(-Wno-sign-conversion -Wno-implicit-int-float-conversion)
endif()
# Everything the C library has; empty, so that a file may still say it for itself.
add_compile_definitions($<$<COMPILE_LANGUAGE:C>:_GNU_SOURCE=>) # g++ says it anyway
if(ADRANK_WERROR)
  add_compile_options(-Werror)
endif()
add_link_options(-Wl,--as-needed)

# What the language leaves open is settled the safe way.
adrank_flags(-fno-delete-null-pointer-checks -fno-strict-overflow -fstrict-flex-arrays=3)

# Two of these flags cost the request decoder 8 % and 6 % of its time (bench-decode, Zen 3). For a
# layer that is inner loops, they are taken back; ASan+UBSan and the fuzz targets look for there
# what they would have covered up.
function(adrank_inner_loops target)
  foreach(flag -fstrict-overflow -ftrivial-auto-var-init=uninitialized)
    string(MAKE_C_IDENTIFIER "have${flag}" have)
    check_c_compiler_flag(${flag} ${have})
    if(${have})
      target_compile_options(${target} PRIVATE ${flag})
    endif()
  endforeach()
endfunction()

if(ADRANK_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
elseif(ADRANK_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
else()
  # Everything is bound at the start (-z now), so calls into libraries need no stub.
  adrank_flags(-fno-plt -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero
               -fcf-protection # x86
               -mbranch-protection=standard) # Arm
  if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug" AND NOT ADRANK_COVERAGE) # it needs optimisation
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  endif()
  add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
  # A program gets the notes for shadow stacks and branch tracking if all its objects have them.
  # Ours do, Debian's start-up files do not. They work with shadow stacks all the same, so that note
  # is forced. Branch tracking would need a landing mark in them, so that note is left to
  # distributions whose start-up files have one.
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    foreach(flag -Wl,-z,ibtplt -Wl,-z,shstk)
      string(MAKE_C_IDENTIFIER "have${flag}" have)
      check_linker_flag(C ${flag} ${have})
      if(${have})
        add_link_options(${flag})
      endif()
    endforeach()
  endif()
endif()
if(ADRANK_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(ADRANK_COVERAGE)
  add_compile_options(--coverage -O0)
  add_link_options(--coverage)
endif()
