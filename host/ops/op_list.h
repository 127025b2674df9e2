/* The one table of operators. Included several times with CSG_OP(name) defined; each line demands
 *   struct csg_NAME_args        host/ops/args.h
 *   csg_ref_NAME                host/ref/NAME.c
 *   csg_ocl_NAME                host/ocl/op_NAME.c and cl/NAME.cl
 *   csg_test_NAME               host/check/test_NAME.c
 * and a missing one is a link error. No include guard: that is the point. */
CSG_OP(resize)
CSG_OP(patches)
CSG_OP(unfold)
CSG_OP(avgpool)
CSG_OP(position)
CSG_OP(tokens)
CSG_OP(layernorm)
CSG_OP(gemm)
CSG_OP(attention)
CSG_OP(attend)
CSG_OP(branch)
CSG_OP(meannorm)
CSG_OP(unitback)
CSG_OP(normback)
CSG_OP(actback)
CSG_OP(attendback)
CSG_OP(attendgrad)
CSG_OP(gate)
CSG_OP(gather)
CSG_OP(normalize)
CSG_OP(mean)
CSG_OP(similarity)
CSG_OP(subtract)
CSG_OP(surgery)
CSG_OP(minmax)
CSG_OP(bilinear)
CSG_OP(peak)
CSG_OP(blend)
