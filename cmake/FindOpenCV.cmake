# The three modules of OpenCV that we use, as target opencv. Debian ships
# OpenCV's own CMake config only in libopencv-dev, which brings 59 more packages.
find_path(OpenCV_INCLUDE_DIR opencv2/core.hpp PATH_SUFFIXES opencv4)
find_library(OpenCV_CORE opencv_core)
find_library(OpenCV_IMGPROC opencv_imgproc)
find_library(OpenCV_IMGCODECS opencv_imgcodecs)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OpenCV DEFAULT_MSG
  OpenCV_CORE OpenCV_IMGPROC OpenCV_IMGCODECS OpenCV_INCLUDE_DIR)
add_library(opencv INTERFACE)
target_include_directories(opencv SYSTEM INTERFACE ${OpenCV_INCLUDE_DIR})
target_link_libraries(opencv INTERFACE ${OpenCV_IMGCODECS} ${OpenCV_IMGPROC} ${OpenCV_CORE})
