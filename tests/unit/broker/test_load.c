#include "test.h"

#include "broker/load.h"

TEST(a_holder_at_its_cap_refuses_and_others_do_not)
{
    struct load *load = load_create(4, 3, 2);
    struct bytes clinic = bytes_text("clinic");
    struct bytes police = bytes_text("police");
    struct bytes school = bytes_text("school");
    struct bytes register_ = bytes_text("register");
    assert_true(load_enter(load, police, clinic));
    assert_true(load_enter(load, police, clinic));
    assert_false(load_enter(load, police, clinic));
    assert_true(load_enter(load, school, clinic));
    assert_false(load_enter(load, school, clinic));
    assert_true(load_enter(load, police, register_));
    assert_true(load_enter(load, police, school));
    assert_false(load_enter(load, police, police));
    assert_int_equal(load_of_holder(load, clinic), 3);
    load_leave(load, police, clinic);
    assert_int_equal(load_of_holder(load, clinic), 2);
    assert_int_equal(load_of_holder(load, register_), 1);
    assert_true(load_enter(load, school, clinic));
    load_destroy(&load);
}
