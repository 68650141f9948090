# WARPFACTOR_HARDEN: a fault that a hostile file finds ends the process rather than being of use. What each flag leaves in a binary is
# read by tests/python/hardened.py; docs/reliability.md has what they cost.
include(CheckCXXCompilerFlag)
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)  # CMAKE_POSITION_INDEPENDENT_CODE alone does not make the linker write such a program

set(is_hardened FALSE)
if(WARPFACTOR_HARDEN AND CMAKE_BUILD_TYPE MATCHES "^(Release|RelWithDebInfo|MinSizeRel)$" AND NOT WARPFACTOR_SANITIZE AND NOT WARPFACTOR_COVERAGE)
  set(is_hardened TRUE)
  # Checks in the loops over factors cost about 1 % of a training: a target says WARPFACTOR_UNCHECKED where it sees rows that
  # others have checked, and no bytes of a file. Marks for jumps cost nothing there, and count only where all of a program has them.
  set(checked $<AND:$<COMPILE_LANGUAGE:CXX>,$<NOT:$<BOOL:$<TARGET_PROPERTY:WARPFACTOR_UNCHECKED>>>>)
  foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection -mbranch-protection=standard)  # the last two are of x86 and of Arm
    string(MAKE_C_IDENTIFIER "WARPFACTOR_HAS${flag}" known)
    check_cxx_compiler_flag(${flag} ${known})
    if(${known} AND flag MATCHES "stack")
      target_compile_options(wf_flags INTERFACE $<${checked}:${flag}>)
    elseif(${known})
      target_compile_options(wf_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:${flag}>)
    endif()
  endforeach()
  # -U: some distributions' compilers define a lower one
  target_compile_options(wf_flags INTERFACE "$<${checked}:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=3;-D_GLIBCXX_ASSERTIONS>")
  target_link_options(wf_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
