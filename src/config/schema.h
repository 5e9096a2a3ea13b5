// Inside configuration: the tables.
#pragma once

#include "config/config.h"
#include "config/witness.h"

extern const struct yaml_shape config_vedomod_shape;
extern const struct yaml_shape config_node_shape;
extern const struct yaml_shape config_portal_shape;
extern const struct yaml_shape config_witness_shape;
