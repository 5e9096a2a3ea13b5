// The version of Vedomo's public interface.
#ifndef VEDOMO_VERSION_H
#define VEDOMO_VERSION_H

#define VEDOMO_VERSION_MAJOR 0
#define VEDOMO_VERSION_MINOR 1
#define VEDOMO_VERSION_PATCH 0

// Grows when something in these headers changes so that programs must be built again.
#define VEDOMO_INTERFACE 1

#endif
