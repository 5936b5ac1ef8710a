# The modules of OpenCV that we use. Target opencv_processing has the core and the
# image operations; target opencv reads and writes picture files too, for which
# it loads 140 libraries: nothing that serves links it. Debian ships OpenCV's own
# CMake config only in libopencv-dev, which brings 59 more packages.
find_path(OpenCV_INCLUDE_DIR opencv2/core.hpp PATH_SUFFIXES opencv4)
find_library(OpenCV_CORE opencv_core)
find_library(OpenCV_IMGPROC opencv_imgproc)
find_library(OpenCV_IMGCODECS opencv_imgcodecs)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OpenCV DEFAULT_MSG
  OpenCV_CORE OpenCV_IMGPROC OpenCV_IMGCODECS OpenCV_INCLUDE_DIR)
add_library(opencv_processing INTERFACE)
target_include_directories(opencv_processing SYSTEM INTERFACE ${OpenCV_INCLUDE_DIR})
target_link_libraries(opencv_processing INTERFACE ${OpenCV_IMGPROC} ${OpenCV_CORE})
add_library(opencv INTERFACE)
target_link_libraries(opencv INTERFACE ${OpenCV_IMGCODECS} opencv_processing)
