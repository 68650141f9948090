# One executable per folder of tests/, its sources found by name.
set(WARPFACTOR_TESTS_FOUND FALSE)
if(NOT WARPFACTOR_TESTS MATCHES "^(ON|OFF|AUTO)$")
  message(FATAL_ERROR "WARPFACTOR_TESTS=${WARPFACTOR_TESTS}: say ON (must), OFF, or AUTO (where they can be built).")
endif()
if(NOT WARPFACTOR_TESTS)
  return()
endif()
if(WARPFACTOR_TESTS STREQUAL "AUTO")
  find_package(GTest 1.12 CONFIG QUIET)
  find_package(rapidcheck CONFIG QUIET)
  if(NOT GTest_FOUND OR NOT rapidcheck_FOUND)
    message(STATUS "Tests are left out: GoogleTest or rapidcheck not found (Debian: libgtest-dev libgmock-dev librapidcheck-dev)")
    return()
  endif()
else()
  find_package(GTest 1.12 CONFIG REQUIRED)
  find_package(rapidcheck CONFIG REQUIRED)
endif()
set(WARPFACTOR_TESTS_FOUND TRUE)
include(GoogleTest)

set(is_release TRUE)
if(WARPFACTOR_SANITIZE OR WARPFACTOR_COVERAGE)
  set(is_release FALSE)
endif()

function(wf_test folder)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/tests/${folder}/*_test.cpp"
       "${CMAKE_CURRENT_SOURCE_DIR}/tests/support/*.cpp")
  if(NOT sources)
    return()
  endif()
  add_executable(${folder}_tests ${sources})
  target_link_libraries(${folder}_tests PRIVATE ${arg_LINK} GTest::gtest_main GTest::gmock rapidcheck rapidcheck_gtest)
  target_compile_definitions(${folder}_tests PRIVATE
    WF_FIXTURES="${CMAKE_CURRENT_SOURCE_DIR}/tests/fixtures" WF_PROGRAM="$<TARGET_FILE:warpfactor>")
  add_dependencies(${folder}_tests warpfactor)
  if(NOT is_release)  # tests themselves: half of the time to compile, and no difference in their run
    target_compile_options(${folder}_tests PRIVATE -O0)
  endif()
  gtest_discover_tests(${folder}_tests DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT 300 ENVIRONMENT "OPENBLAS_NUM_THREADS=1")
endfunction()

wf_test(host LINK wf_api wf_pages wf_readers wf_report libwarpfactor)
set(module "")
if(TARGET warpfactor_cuda)
  set(module "$<TARGET_FILE:warpfactor_cuda>")
  add_dependencies(host_tests warpfactor_cuda)
endif()
target_compile_definitions(host_tests PRIVATE WF_CUDA_MODULE="${module}")
set_source_files_properties(tests/host/library_test.cpp PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)  # has names as a user has them
find_library(WARPFACTOR_LAPACK openblas)  # what svd is compared with
mark_as_advanced(WARPFACTOR_LAPACK)
if(WARPFACTOR_LAPACK)
  target_link_libraries(host_tests PRIVATE ${WARPFACTOR_LAPACK})
  target_compile_definitions(host_tests PRIVATE WF_HAVE_LAPACK=1)
endif()
wf_test(kernels LINK wf_api wf_readers)
set_target_properties(kernels_tests PROPERTIES UNITY_BUILD OFF)  # seconds each as they are
wf_test(cli LINK wf_api wf_readers)

# Limits at their size: minutes, 4 GB of memory and 26 GB of a disk, so that they run only where they are asked for (CONTRIBUTING.md)
add_executable(large_tests tests/large/limits_test.cpp)
target_link_libraries(large_tests PRIVATE wf_api GTest::gtest_main)
add_test(NAME large_tests CONFIGURATIONS Large COMMAND large_tests)
set_tests_properties(large_tests PROPERTIES LABELS large TIMEOUT 3600)

# What scripts/soak runs beside the program: it uses the library as others do
add_executable(soak tests/soak/soak.cpp)
target_link_libraries(soak PRIVATE wf_flags libwarpfactor)
set_target_properties(soak PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
if(WARPFACTOR_SANITIZE MATCHES "address")  # the suite says what it leaks only where the sanitizer looks for it
  add_executable(leak tests/soak/leak.cpp)
  target_link_libraries(leak PRIVATE wf_flags)
  add_test(NAME leaks_are_found COMMAND leak)
  set_tests_properties(leaks_are_found PROPERTIES PASS_REGULAR_EXPRESSION "LeakSanitizer: detected memory leaks")
endif()

# The suites of kernels/ and cuda/ on a real device; trajectories run through the module beside it, as users run it.
if(TARGET wf_cuda)
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/tests/kernels/*_test.cpp"
       "${CMAKE_CURRENT_SOURCE_DIR}/tests/cuda/*_test.cpp" "${CMAKE_CURRENT_SOURCE_DIR}/tests/support/*.cpp")
  add_executable(cuda_tests ${sources} tests/kernels/cuda_main.cpp)
  target_link_libraries(cuda_tests PRIVATE wf_cuda wf_api wf_readers GTest::gtest GTest::gmock rapidcheck
                        rapidcheck_gtest)
  target_compile_definitions(cuda_tests PRIVATE WF_TEST_CUDA=1 WF_FIXTURES="fixtures"
    WF_FIXTURES_FOLDER="${CMAKE_CURRENT_SOURCE_DIR}/tests" WF_PROGRAM="$<TARGET_FILE:warpfactor>")
  set_target_properties(cuda_tests PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  add_dependencies(cuda_tests warpfactor warpfactor_cuda)
  add_test(NAME cuda_tests COMMAND cuda_tests)
  set_tests_properties(cuda_tests PROPERTIES TIMEOUT 1200 SKIP_RETURN_CODE 77)
endif()

set(WARPFACTOR_INTERPRETER_FOUND FALSE)
if(NOT WARPFACTOR_SANITIZE MATCHES "thread" AND NOT WARPFACTOR_COVERAGE)
  add_subdirectory(tests/simt)
endif()

if(WARPFACTOR_SANITIZE MATCHES "address")  # a run takes ten times as long there: each setting then has a part of them
  target_compile_definitions(cli_tests PRIVATE WF_PART_OF_RUNS=3)
elseif(WARPFACTOR_SANITIZE MATCHES "thread")  # what a number does is no matter of threads
  target_compile_definitions(cli_tests PRIVATE WF_PART_OF_RUNS=8)
endif()
find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
  add_test(NAME style COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/tests/style.py)
  file(GLOB python_tests CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/tests/python/test_*.py")
  foreach(file IN LISTS python_tests)
    cmake_path(GET file STEM name)
    add_test(NAME python.${name} COMMAND ${Python3_EXECUTABLE} -B ${file})
    set_tests_properties(python.${name} PROPERTIES TIMEOUT 300)
  endforeach()
  # each of these is given the program; 77: skipped, with the reason printed
  function(wf_program_test name)
    add_test(NAME python.${name} COMMAND ${Python3_EXECUTABLE} -B
             ${CMAKE_CURRENT_SOURCE_DIR}/tests/python/${name}.py $<TARGET_FILE:warpfactor> ${ARGN})
    set_tests_properties(python.${name} PROPERTIES TIMEOUT 600 SKIP_RETURN_CODE 77)
  endfunction()
  wf_program_test(readme_examples)
  wf_program_test(trajectories_through_cli ${CMAKE_CURRENT_SOURCE_DIR}/tests/fixtures/torch)
  wf_program_test(model_file_loads_in_torch)
  wf_program_test(tensorboard_reads_events)
  wf_program_test(matrices_in_scipy)
  wf_program_test(bench_scripts)
  if(is_release)  # what is shown and packed is a release
    wf_program_test(report_in_browser)
    wf_program_test(package ${CMAKE_CPACK_COMMAND} ${CMAKE_BINARY_DIR})
    wf_program_test(end_to_end ${CMAKE_COMMAND} ${CMAKE_BINARY_DIR})
  endif()
  if(WARPFACTOR_CUDA_FOUND AND is_release)
    add_test(NAME kernel_code COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_SOURCE_DIR}/tests/python/kernel_code.py
             ${CMAKE_CUDA_COMPILER} ${CMAKE_CURRENT_SOURCE_DIR} ${RANDOM123_INCLUDE_DIR})
    set_tests_properties(kernel_code PROPERTIES TIMEOUT 600)
  endif()
  if(TARGET warpfactor-simt AND is_release)  # dozens of trainings, each thirty times as slow on the stacks that ASan hands out
    wf_program_test(cuda_through_cli $<TARGET_FILE:warpfactor-simt>)
  endif()
  if(TARGET warpfactor-simt AND is_release)  # the same trajectories are among kernels_simt_tests
    add_test(NAME python.trajectories_on_the_interpreter COMMAND ${Python3_EXECUTABLE} -B
             ${CMAKE_CURRENT_SOURCE_DIR}/tests/python/trajectories_through_cli.py $<TARGET_FILE:warpfactor-simt>
             ${CMAKE_CURRENT_SOURCE_DIR}/tests/fixtures/torch cuda cuda_repeatable)
    set_tests_properties(python.trajectories_on_the_interpreter PROPERTIES TIMEOUT 600)
  endif()
  if(is_release)
    wf_program_test(processes)  # MPI has findings of its own
    wf_program_test(killed_training)  # a library stands in front of the program's
    wf_program_test(gpu_check)  # a script is under test; its programs have tests of their own
    wf_program_test(memory_limit)  # sanitizers take memory of their own
    wf_program_test(hostile_files)  # likewise
    wf_program_test(shared_files)
  endif()
  if(is_release)  # sanitizers hold back what was freed, and look for leaks themselves
    add_test(NAME soak COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_SOURCE_DIR}/scripts/soak 0.33 --build ${CMAKE_BINARY_DIR})
    set_tests_properties(soak PROPERTIES TIMEOUT 300)
  endif()
  if(is_hardened)
    wf_program_test(hardened $<TARGET_FILE:libwarpfactor>)
  endif()
  if(TARGET warpfactor-in-flight AND is_release)  # a hundred times as slow there
    wf_program_test(rounding $<TARGET_FILE:warpfactor-in-flight>)
    wf_program_test(steep $<TARGET_FILE:warpfactor-in-flight>)
  endif()
endif()
