#include "seal/box.h"

#include "hex.h"
#include "test.h"

static const char plain_text[] =
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
    "sunscreen would be it.";
static const char box_hex[] =
    "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e"
    "39"
    "ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3ff"
    "f9"
    "21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49";

enum { PLAIN_BYTES = sizeof(plain_text) - 1, BOX_BYTES = PLAIN_BYTES + SEAL_TAG_BYTES };

struct setting {
    struct digest key;
    uint8_t nonce[SEAL_NONCE_BYTES];
    uint8_t ad_room[12];
    struct bytes ad;
    uint8_t box[BOX_BYTES];
};

static void set_up(struct setting *s)
{
    s->key = count_digest(0x80);
    hex_into("404142434445464748494a4b4c4d4e4f5051525354555657", s->nonce, sizeof(s->nonce));
    s->ad = hex_into("50515253c0c1c2c3c4c5c6c7", s->ad_room, sizeof(s->ad_room));
    hex_into(box_hex, s->box, sizeof(s->box));
}

TEST(the_box_is_that_of_the_xchacha_draft)
{
    struct setting s;
    set_up(&s);
    uint8_t box[BOX_BYTES];
    seal_box_close(&s.key, s.nonce, s.ad, bytes_of(plain_text, PLAIN_BYTES), box);
    assert_memory_equal(box, s.box, BOX_BYTES);
    uint8_t plain[PLAIN_BYTES];
    assert_true(seal_box_open(&s.key, s.nonce, s.ad, bytes_of(s.box, BOX_BYTES), plain));
    assert_memory_equal(plain, plain_text, PLAIN_BYTES);
}

TEST(a_box_opens_in_its_own_place)
{
    struct setting s;
    set_up(&s);
    assert_true(seal_box_open(&s.key, s.nonce, s.ad, bytes_of(s.box, BOX_BYTES), s.box));
    assert_memory_equal(s.box, plain_text, PLAIN_BYTES);
    seal_box_close(&s.key, s.nonce, s.ad, bytes_of(s.box, PLAIN_BYTES), s.box);
    struct setting fresh;
    set_up(&fresh);
    assert_memory_equal(s.box, fresh.box, BOX_BYTES);
}

TEST(a_box_that_was_changed_or_cut_does_not_open)
{
    struct setting s;
    set_up(&s);
    uint8_t plain[BOX_BYTES];
    for (size_t i = 0; i < BOX_BYTES; i++) {
        s.box[i] ^= 0x10;
        assert_false(seal_box_open(&s.key, s.nonce, s.ad, bytes_of(s.box, BOX_BYTES), plain));
        s.box[i] ^= 0x10;
    }
    for (size_t size = 0; size < BOX_BYTES; size++) {
        assert_false(seal_box_open(&s.key, s.nonce, s.ad, bytes_of(s.box, size), plain));
    }
}

TEST(a_box_does_not_open_under_another_key_nonce_or_ad)
{
    struct setting s;
    set_up(&s);
    uint8_t plain[BOX_BYTES];
    s.key.bytes[31] ^= 1;
    assert_false(seal_box_open(&s.key, s.nonce, s.ad, bytes_of(s.box, BOX_BYTES), plain));
    set_up(&s);
    s.nonce[23] ^= 1;
    assert_false(seal_box_open(&s.key, s.nonce, s.ad, bytes_of(s.box, BOX_BYTES), plain));
    set_up(&s);
    s.ad.size--;
    assert_false(seal_box_open(&s.key, s.nonce, s.ad, bytes_of(s.box, BOX_BYTES), plain));
}

TEST(an_empty_text_makes_a_box_of_its_tag_alone)
{
    struct setting s;
    set_up(&s);
    uint8_t box[SEAL_TAG_BYTES];
    uint8_t plain[1];
    seal_box_close(&s.key, s.nonce, s.ad, (struct bytes){ 0 }, box);
    assert_true(seal_box_open(&s.key, s.nonce, s.ad, bytes_of(box, sizeof(box)), plain));
}
