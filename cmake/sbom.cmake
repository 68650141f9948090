# What the program is made of, as CycloneDX 1.5: warpfactor.cdx.json, of the versions that were found.
set(components "")
# wf_component(<name> <version, may be empty> <SPDX licence> <what for>)
function(wf_component name version licence purpose)
  set(entry "{\"type\": \"library\", \"bom-ref\": \"${name}\", \"name\": \"${name}\"")
  if(version)
    string(APPEND entry ", \"version\": \"${version}\", \"purl\": \"pkg:generic/${name}@${version}\"")
  endif()
  string(APPEND entry ", \"description\": \"${purpose}\", \"licenses\": [{\"expression\": \"${licence}\"}]}")
  list(APPEND components "${entry}")
  set(components "${components}" PARENT_SCOPE)
endfunction()

wf_component(cli11 "${CLI11_VERSION}" BSD-3-Clause "command line, compiled in")
wf_component(fmt "${fmt_VERSION}" MIT "formatting, compiled in")
wf_component(nlohmann-json "${nlohmann_json_VERSION}" MIT "JSON, compiled in")
wf_component(random123 "" BSD-3-Clause "random numbers by counter, compiled in")
wf_component(robin-map "${tsl-robin-map_VERSION}" MIT "the dictionary of ids, compiled in")
wf_component(tomlplusplus "${TOMLPLUSPLUS_VERSION}" MIT "TOML, compiled in")
wf_component(xxhash "${XXHASH_VERSION}" BSD-2-Clause "checksums, linked")
wf_component(zlib "${ZLIB_VERSION_STRING}" Zlib "gzip, linked")
wf_component(zstd "${zstd_VERSION}" BSD-3-Clause "Zstandard, linked")
if(WARPFACTOR_CUDA_FOUND)
  wf_component(cuda-toolkit "${CUDAToolkit_VERSION}" LicenseRef-NVIDIA-CUDA "runtime and CCCL, linked into the module")
endif()
if(WARPFACTOR_MPI_FOUND)
  wf_component(mpi "${MPI_C_VERSION}" BSD-3-Clause-Open-MPI "the processes of a job, linked into a module, with the standard's version")
endif()
list(JOIN components ",\n    " components)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/warpfactor.cdx.json @ONLY CONTENT
"{
  \"bomFormat\": \"CycloneDX\",
  \"specVersion\": \"1.5\",
  \"version\": 1,
  \"metadata\": {\"component\": {\"type\": \"application\", \"bom-ref\": \"warpfactor\", \"name\": \"warpfactor\", \"version\": \"@PROJECT_VERSION@\"}},
  \"components\": [
    @components@
  ]
}
")
install(FILES ${CMAKE_BINARY_DIR}/warpfactor.cdx.json DESTINATION ${CMAKE_INSTALL_DOCDIR})
