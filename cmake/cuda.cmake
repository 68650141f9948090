# WARPFACTOR_CUDA=ON|OFF|AUTO. So far nvcc proves that the shared rules compile for the device; the engine comes on top.
set(WARPFACTOR_CUDA_FOUND FALSE)
if(NOT WARPFACTOR_CUDA STREQUAL "OFF")
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
    set(WARPFACTOR_CUDA_FOUND TRUE)
  elseif(WARPFACTOR_CUDA STREQUAL "ON")
    message(FATAL_ERROR "WARPFACTOR_CUDA=ON, but no CUDA compiler was found. Install the CUDA toolkit and put nvcc on PATH, "
                        "or name it with -DCMAKE_CUDA_COMPILER=; -DWARPFACTOR_CUDA=OFF builds without.")
  endif()
endif()

if(WARPFACTOR_CUDA_FOUND)
  add_library(wf_cuda_headers OBJECT ${CMAKE_CURRENT_SOURCE_DIR}/cuda/headers.cu)
  target_include_directories(wf_cuda_headers PRIVATE ${CMAKE_CURRENT_SOURCE_DIR} ${RANDOM123_INCLUDE_DIR})
  # 554: a conversion to the type itself "will not be called"; views of const have it, constrained away, and nvcc does not see that
  target_compile_options(wf_cuda_headers PRIVATE --diag-suppress=554 -Werror all-warnings)
  set_target_properties(wf_cuda_headers PROPERTIES CUDA_STANDARD 20 CUDA_STANDARD_REQUIRED ON)
endif()
