# WARPFACTOR_CUDA=ON|OFF|AUTO: the CUDA engine, as a module that the program loads.
set(WARPFACTOR_CUDA_FOUND FALSE)
if(NOT WARPFACTOR_CUDA MATCHES "^(ON|OFF|AUTO)$")
  message(FATAL_ERROR "WARPFACTOR_CUDA=${WARPFACTOR_CUDA}: say ON (must), OFF, or AUTO (where nvcc is found).")
endif()
if(NOT WARPFACTOR_CUDA STREQUAL "OFF")
  if(NOT DEFINED CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
    find_program(WARPFACTOR_NVCC nvcc PATHS ENV CUDA_HOME ENV CUDA_PATH /usr/local/cuda PATH_SUFFIXES bin)
    mark_as_advanced(WARPFACTOR_NVCC)
    if(WARPFACTOR_NVCC)  # toolkits are often installed off PATH, where CMake does not look
      set(ENV{CUDACXX} "${WARPFACTOR_NVCC}")
    endif()
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
      set(CMAKE_CUDA_ARCHITECTURES 90)
    endif()
    enable_language(CUDA)
    # CMake before 3.26 does not know that nvcc 12 and later take -std=c++20
    if(CMAKE_VERSION VERSION_LESS 3.26 AND CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 12.0
       AND NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
      set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
    endif()
    if(CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 12.4)
      set(WARPFACTOR_CUDA_FOUND TRUE)
    elseif(WARPFACTOR_CUDA STREQUAL "ON")
      message(FATAL_ERROR "WARPFACTOR_CUDA=ON, but nvcc is ${CMAKE_CUDA_COMPILER_VERSION}: 12.4 is the oldest that will do.")
    else()
      message(STATUS "CUDA: nvcc ${CMAKE_CUDA_COMPILER_VERSION} is older than 12.4, the CUDA parts are left out (WARPFACTOR_CUDA=AUTO)")
    endif()
  elseif(WARPFACTOR_CUDA STREQUAL "AUTO")
    message(STATUS "CUDA: no nvcc found, the CUDA parts are left out (WARPFACTOR_CUDA=AUTO)")
  else()
    message(FATAL_ERROR "WARPFACTOR_CUDA=ON, but no CUDA compiler was found. Install the CUDA toolkit and put nvcc on PATH, "
                        "or name it with -DCMAKE_CUDA_COMPILER=; -DWARPFACTOR_CUDA=OFF builds without.")
  endif()
endif()

if(NOT WARPFACTOR_CUDA_FOUND)
  return()
endif()
find_package(CUDAToolkit 12.4 REQUIRED)

file(GLOB cuda_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/cuda/runtime/*.cu
     ${CMAKE_CURRENT_SOURCE_DIR}/cuda/kernels/*.cu ${CMAKE_CURRENT_SOURCE_DIR}/cuda/runtime/*.cpp
     ${CMAKE_CURRENT_SOURCE_DIR}/cuda/kernels/*.cpp ${CMAKE_CURRENT_SOURCE_DIR}/cuda/engine/module.cpp
     ${CMAKE_CURRENT_SOURCE_DIR}/cuda/engine/*.cu)

# The engine's objects, for the module and for tests: CMake links no module into a program.
add_library(wf_cuda STATIC ${cuda_sources})
target_include_directories(wf_cuda PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_include_directories(wf_cuda SYSTEM PUBLIC ${RANDOM123_INCLUDE_DIR} ${CUDAToolkit_INCLUDE_DIRS})
target_compile_definitions(wf_cuda PRIVATE WF_NVTX=1)
target_link_libraries(wf_cuda PUBLIC wf_train CUDA::cudart_static PRIVATE CUDA::nvtx3)
set_target_properties(wf_cuda PROPERTIES CUDA_STANDARD 20 CUDA_STANDARD_REQUIRED ON POSITION_INDEPENDENT_CODE ON
                      CUDA_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET default)
# no contraction: the sums of the cpu engine, bit for bit; but for the kernels that have no bits to keep
foreach(source IN LISTS cuda_sources)
  if(source MATCHES "/sgd_(chunks|tiles)\\.cu$")
    set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "--prec-div=false;--prec-sqrt=false")
  elseif(source MATCHES "\\.cu$" AND NOT source MATCHES "/(gram|descend_rows|solve_(rows|short|large|tensors))\\.cu$")
    set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS --fmad=false)
  endif()
endforeach()
# 554: a conversion to the type itself "will not be called"; views of const have it, constrained away, and nvcc does not see that
set(nvcc_flags --diag-suppress=554 -lineinfo)
if(WARPFACTOR_WERROR)
  list(APPEND nvcc_flags -Werror all-warnings)
endif()
if(CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 12.8)
  list(APPEND nvcc_flags --compress-mode=size)  # for sm_90, a module of 6 MB instead of 27
endif()
target_compile_options(wf_cuda PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:${nvcc_flags}>)

add_library(warpfactor_cuda MODULE ${CMAKE_CURRENT_SOURCE_DIR}/cuda/engine/exported.cpp)
target_link_libraries(warpfactor_cuda PRIVATE wf_cuda wf_flags)
set_target_properties(warpfactor_cuda PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR} CXX_VISIBILITY_PRESET hidden)
add_dependencies(warpfactor warpfactor_cuda)  # who builds the program has its device, too
