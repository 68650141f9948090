# One executable per folder of tests/, its sources found by name.
find_package(GTest 1.12 CONFIG REQUIRED)
find_package(rapidcheck CONFIG REQUIRED)
include(GoogleTest)

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
  gtest_discover_tests(${folder}_tests DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 300)
endfunction()

wf_test(host LINK wf_api wf_readers)
wf_test(kernels LINK wf_api wf_readers)
wf_test(cli LINK wf_api wf_readers)

find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
  add_test(NAME style COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/tests/style.py)
endif()
